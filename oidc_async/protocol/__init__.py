"""The protocols without I/O: each module is about one term of the specifications.

Functions `xxx_request` return the request that a runtime sends, and functions `read_xxx` validate its response.
"""
