"""Google Cloud's credentials, and its errors as one line that says what to do."""

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


def default_credentials() -> Credentials:
    """Returns the application default credentials, as `gcloud` and Google's libraries share them.

    Raises:
        GoogleAuthError: There are none.
    """
    import google.auth

    credentials: Credentials = google.auth.default(scopes=[_SCOPE])[0]
    return credentials


@contextmanager
def google_errors(action: str, project: str, region: str) -> Iterator[None]:
    """Turns errors of Google Cloud's clients into ones that quote them and say what to do.

    Args:
        action: What was asked for, as in `start the pipeline`.
        project: Project it was asked of.
        region: Region it was asked of.

    Raises:
        UsageError: Something that the request names is wrong or does not exist.
        TaggerError: There are no credentials, the request was refused for another reason, or
            the service can't be reached.
    """
    import requests
    from google.api_core import exceptions
    from google.auth.exceptions import GoogleAuthError, TransportError

    asked = f"Could not {action} in project {project}, region {region}"
    try:
        yield
    except (TransportError, requests.RequestException, exceptions.ServiceUnavailable) as error:
        raise TaggerError(
            f"{asked}: Google Cloud can't be reached ({_reason(error)}). Check the network and its "
            "proxy, and run again."
        ) from error
    except (GoogleAuthError, exceptions.Unauthorized) as error:
        raise TaggerError(f"{asked}: {_reason(error)}. {_SIGN_IN}") from error
    except (exceptions.BadRequest, exceptions.NotFound, ValueError) as error:
        raise UsageError(
            f"{asked}: {_reason(error)}. Check the profile's `deploy` section."
        ) from error
    except exceptions.GoogleAPIError as error:
        raise TaggerError(f"{asked}: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    """Returns the service's own message, without the address and details that clients add."""
    return " ".join(str(getattr(error, "message", None) or error).split()).rstrip(".")
