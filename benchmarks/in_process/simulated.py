"""A provider within this process, so that only the cost of the library is measured."""

from urllib.parse import parse_qs, urlsplit

from benchmarks import provider_answers as answers
from benchmarks.credentials import CLIENT_ID, CLIENT_SECRET
from oidc_async import BlockingRuntime, ClientMetadata, ProviderConfiguration
from oidc_async.configuration.access_token_settings import Verification
from oidc_async.protocol.http_message import HttpRequest, HttpResponse

ISSUER = "https://provider.example"
API = "https://api.example"


class Simulated(BlockingRuntime):
    """Single flight, clock and all else are the real ones; only the network is not there."""

    def __init__(self) -> None:
        super().__init__()
        self._introspection = answers.introspection_pieces(ISSUER)

    async def send(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200, headers={"content-type": "application/json"}, body=self._body(request))

    def _body(self, request: HttpRequest) -> bytes:
        match urlsplit(request.url).path:
            case "/introspect":
                token = parse_qs(request.body)[b"token"][0]
                return answers.introspection(self._introspection, token)
            case "/jwks":
                return answers.jwks()
            case _:
                return answers.metadata(ISSUER)


def configuration(verification: Verification) -> ProviderConfiguration:
    return ProviderConfiguration(
        ISSUER,
        client_metadata=ClientMetadata(client_id=CLIENT_ID, client_secret=CLIENT_SECRET),
        access_token_verification=verification,
        audience=API,
        runtime=Simulated(),
    )
