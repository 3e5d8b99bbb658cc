"""Google Cloud's credentials, and its refusals as errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from schema.errors import TaggerError, UsageError

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_SIGN_IN: Final = (
    "Run `gcloud auth application-default login`, or name a key file in "
    "GOOGLE_APPLICATION_CREDENTIALS."
)


def find_credentials() -> Credentials:
    """Returns the credentials that Google's libraries find by themselves.

    https://cloud.google.com/docs/authentication/application-default-credentials

    Raises:
        TaggerError: There are none.
    """
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except GoogleAuthError as error:
        raise TaggerError(f"Found no credentials for Google Cloud. {_SIGN_IN}") from error
    found: Credentials = credentials
    return found


def check_region(region: str) -> None:
    """Stops at a region that Vertex AI does not have.

    Raises:
        UsageError: It has none of that name.
    """
    from google.cloud.aiplatform import utils

    try:
        utils.validate_region(region)
    except ValueError as error:
        raise UsageError(
            f"Vertex AI has no region {region!r}. Set deploy.region to one of "
            "https://cloud.google.com/vertex-ai/docs/general/locations, such as europe-west4."
        ) from error


@contextmanager
def clear_errors(action: str, project: str, region: str) -> Iterator[None]:
    """Turns an error of Google Cloud's clients into one that says what to do.

    Args:
        action: What was asked for, as in `start the pipeline`.
        project: Project it was asked of.
        region: Region it was asked of.

    Raises:
        UsageError: Vertex AI found the request itself wrong, or a thing that it names is not
            there.
        TaggerError: It refused for another reason, or can't be reached.
    """
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError, TransportError

    asked = f"Could not {action} in project {project}, region {region}"
    try:
        yield
    except (exceptions.Unauthorized, GoogleAuthError) as error:
        if isinstance(error, TransportError):
            raise TaggerError(_unreachable(asked, error)) from error
        raise TaggerError(
            f"{asked}: Google Cloud does not accept the credentials ({_reason(error)}). {_SIGN_IN}"
        ) from error
    except exceptions.Forbidden as error:
        raise TaggerError(
            f"{asked}: permission denied ({_reason(error)}). See that the Vertex AI API is "
            "enabled there, and that the account has the role Vertex AI User "
            "(roles/aiplatform.user) and, for deploy.service_account, Service Account User "
            "(roles/iam.serviceAccountUser)."
        ) from error
    except exceptions.NotFound as error:
        raise UsageError(
            f"{asked}: not found ({_reason(error)}). Check deploy.project and deploy.region."
        ) from error
    except exceptions.BadRequest as error:
        raise UsageError(
            f"{asked}: Vertex AI finds the request wrong ({_reason(error)}). Change what it names "
            "in the profile's `deploy` section."
        ) from error
    except exceptions.TooManyRequests as error:
        raise TaggerError(
            f"{asked}: a quota is used up ({_reason(error)}). Wait, or ask for more under "
            "IAM & Admin, Quotas."
        ) from error
    except (
        exceptions.ServiceUnavailable,
        exceptions.GatewayTimeout,
        exceptions.RetryError,
        requests.exceptions.RequestException,
    ) as error:
        raise TaggerError(_unreachable(asked, error)) from error
    except exceptions.GoogleAPIError as error:
        raise TaggerError(f"{asked}: {_reason(error)}") from error


def _unreachable(asked: str, error: Exception) -> str:
    return (
        f"{asked}: Vertex AI can't be reached ({_reason(error)}). Check the network and its "
        "proxy, and run again."
    )


def _reason(error: Exception) -> str:
    """Returns what the service says, without the address and details that clients add."""
    return str(getattr(error, "message", None) or error).strip().rstrip(".")
