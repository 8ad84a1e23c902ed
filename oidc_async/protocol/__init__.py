"""The protocols without I/O: pure pairs `xxx_request` / `read_xxx`, one noun of the specifications per file."""
