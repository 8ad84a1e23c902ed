"""What Flask and Quart share: functions of a request value that give a response value. No framework in here.

`NewLogin` and `signals` are for applications, too: for code that serves both frameworks.
"""

from . import signals
from .login_hook import NewLogin

__all__ = ["NewLogin", "signals"]
