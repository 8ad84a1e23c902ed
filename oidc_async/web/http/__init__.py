"""HTTP without a framework: requests, responses, cookies and error responses."""
