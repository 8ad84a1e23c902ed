"""The settings of providers, clients, keys and parameters, and their checks."""
