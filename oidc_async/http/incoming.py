"""Received bytes, given to the HTTP parser up to the end of the response only."""

import re

_BLANK_LINE = re.compile(b"\n\r?\n")
_CONTENT_LENGTH = re.compile(b"\ncontent-length: *([0-9]{1,9}) *\r?\n", re.IGNORECASE)
_MOST_BLANK_LINES = 100


class Incoming:
    """The bytes that a connection has received and its HTTP parser has not read yet.

    A provider, or a proxy, may send more than the response to the current request. If the parser had these bytes, it
    would take them for the response to the next request, which may be that of another user. So `take` ends where the
    response may end:

    - at a blank line, which ends the headers, the last chunk of a chunked body, and its trailers;
    - after `Content-Length` bytes, when the parser has read the headers and `expect_body` has been called.

    If the response continues there, the parser takes more. What is left when the response is complete does not belong
    to it, and the connection must be closed.

    Most responses arrive in one piece. To spare the parser a second turn, `take` hands over headers and body together
    if the Content-Length that it finds reaches exactly to the last byte; `expect_body` compares it with that of the
    parser, which has the last word.
    """

    def __init__(self) -> None:
        self.buffer = bytearray()
        self._assumed: int | None = None
        self._body_left: int | None = None
        self._is_begun = self._is_in_doubt = False
        self._last_two = b""
        self._blank_lines = 0

    def begin_response(self) -> None:
        """Look for the end of another response: a request is being sent."""
        self._assumed = self._body_left = None
        self._is_begun = self._is_in_doubt = False
        self._last_two, self._blank_lines = b"", 0

    def expect_body(self, length: int | None) -> None:
        """Set the length of the body; None if it ends with a blank line."""
        if self._assumed is None:
            self._body_left = length
        elif length != self._assumed:
            self._is_in_doubt = True

    def take(self, most: int) -> bytes:
        """Take at most `most` bytes, up to a possible end of the response."""
        end = self._end(min(most, len(self.buffer)))
        taken = bytes(self.buffer[:end])
        del self.buffer[:end]
        return taken

    def is_in_step(self) -> bool:
        """Whether all that was received belongs to the response, which is complete."""
        return not self.buffer and not self._is_in_doubt

    def _end(self, end: int) -> int:
        # The parser asks for more bytes only if it needs them. So a call after the whole body, or after many blank
        # lines, means that this class has not found the end of the response, and the connection is not used again.
        if self._body_left:
            self._body_left -= (end := min(end, self._body_left))
        elif self._body_left is not None or self._assumed is not None or self._blank_lines >= _MOST_BLANK_LINES:
            self._is_in_doubt = True
        elif self._is_begun or not self._is_all_here(end):
            end = self._end_of_blank_line(end)
        self._is_begun = True
        return end

    def _is_all_here(self, end: int) -> bool:
        head = _BLANK_LINE.search(self.buffer)
        length = None if head is None else _CONTENT_LENGTH.search(self.buffer, 0, head.end())
        if head is None or length is None or head.end() + int(length[1]) != end or end != len(self.buffer):
            return False
        # A wrong guess does no harm: the parser then reports another length, and the connection is closed.
        self._assumed = int(length[1])
        return True

    def _end_of_blank_line(self, end: int) -> int:
        # A blank line may have begun with the bytes that were taken before. Blank lines inside of a chunked body
        # cause one more turn of the parser each; after _MOST_BLANK_LINES the rest is handed over as it comes.
        seen = len(self._last_two)
        line = _BLANK_LINE.search(self._last_two + self.buffer[:2])
        if line is not None and seen < line.end():
            end = min(end, line.end() - seen)
            self._blank_lines += 1
        elif (line := _BLANK_LINE.search(self.buffer, 0, end)) is not None:
            end = line.end()
            self._blank_lines += 1
        self._last_two = (self._last_two + self.buffer[max(end - 2, 0) : end])[-2:]
        return end
