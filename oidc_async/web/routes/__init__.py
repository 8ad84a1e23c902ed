"""The endpoints that an application gets: callback, logout notifications, published keys."""
