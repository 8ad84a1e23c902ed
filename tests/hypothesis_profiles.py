"""The profiles `dev` (make test) and `ci` (make test-all) of the tests with Hypothesis."""

from hypothesis import settings

CI_EXAMPLES = 100

settings.register_profile("ci", max_examples=CI_EXAMPLES, deadline=None)
settings.register_profile("dev", max_examples=25, deadline=None)


def examples(count: int) -> int:
    """Return `count`, or a quarter of it in the profile `dev`: for a test that needs a number of its own."""
    return max(count * settings().max_examples // CI_EXAMPLES, 1)
