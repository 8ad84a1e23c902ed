"""Names that pages use without defining them: of the library, and of a reader's own code."""

import logging
from typing import Any

from oidc_async import (
    AccessCache,
    AsyncRelyingParty,
    AsyncResourceServer,
    ClaimsProvider,
    ClientKeys,
    ClientMetadata,
    ClientRegistrationInfo,
    HttpSettings,
    Login,
    LoginRefused,
    OIDCError,
    ProviderConfiguration,
    ProviderMetadata,
    RelyingParty,
    ResourceServer,
)
from oidc_async.protocol.http_message import HttpResponse
from oidc_async.stores import MemoryStore, RedisStore, SQLiteStore
from oidc_async.testing import Fault, SimulatedProvider

anything: Any
"""What a page leaves out, written as `...`."""

access_token: str
ask_weather: Any
ask_weather_service: Any
call_the_api: Any
client_keys: ClientKeys
configuration: ProviderConfiguration
fragment: str
login: Login
open_in_browser: Any
provider: SimulatedProvider
refresh_token: str
serve_at: Any
server: ResourceServer
url: str
