"""What an application writes down: providers, clients, keys, parameters; checked when it is given."""
