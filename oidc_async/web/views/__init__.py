"""Protection of views: logins, bearer tokens, silent renewals, logouts and refreshing access tokens."""
