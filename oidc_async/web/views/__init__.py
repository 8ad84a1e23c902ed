"""What protects views: logins, bearer tokens, silent renewal, refreshing access tokens."""
