"""Requests, responses, cookies and error responses, without a framework."""
