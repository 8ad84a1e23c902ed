"""What Flask and Quart share: functions of a request value that give a response value. No framework in here."""
