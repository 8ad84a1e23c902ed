"""Sessions and pending logins, in sealed cookies or in a store."""
