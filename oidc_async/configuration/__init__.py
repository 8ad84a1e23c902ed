"""The settings of an application: providers, clients, keys and parameters, with their checks."""
