"""The reference dashboard in this process, and a browser at it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from dashboard_answers import APPS, HOST, release
from dashboard_services import Services

from conformance.common.settings import PROJECT_ROOT


@pytest.fixture(scope="session")
def running_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One server for the session: Django reads where it is once in a process."""
    made = Services()
    account = tmp_path_factory.mktemp("account")
    (account / "token").write_text("token-of-the-dashboard")
    (account / "ca.crt").write_text("")
    source = str(PROJECT_ROOT / "fixtures" / "services" / "dashboard")
    environment = {
        "DJANGO_SETTINGS_MODULE": "dashboard.settings",
        "DASHBOARD_DOMAIN": HOST,
        "DASHBOARD_HYDRA_DOMAIN": "sso.stackspin.test",
        "DASHBOARD_KRATOS_PUBLIC_URL": f"{made.url}/kratos",
        "DASHBOARD_KRATOS_ADMIN_URL": f"{made.url}/kratos",
        "DASHBOARD_HYDRA_ADMIN_URL": f"{made.url}/hydra",
        "DASHBOARD_KUBERNETES_URL": f"{made.url}/kubernetes",
        "DASHBOARD_SERVICE_ACCOUNT": str(account),
        "DASHBOARD_SECRET_KEY": "key of the tests",
    }
    with pytest.MonkeyPatch.context() as path:
        path.syspath_prepend(source)
        with pytest.MonkeyPatch.context() as patch:  # other tests of the session do without
            for name, value in environment.items():
                patch.setenv(name, value)
            importlib.import_module("django").setup()
        from django.test.utils import setup_test_environment, teardown_test_environment

        setup_test_environment()
        yield made
        teardown_test_environment()
    made.close()


@pytest.fixture
def services(running_services: Services) -> Services:
    """Nobody is logged in; the only app is notes, the only other release Hydra."""
    running_services.forget()
    answers = running_services.answers
    answers["GET /kratos/sessions/whoami"] = (401, {})
    answers[f"GET {APPS}"] = (200, {"items": [release("notes")]})
    answers["GET /kubernetes/apis/helm.toolkit.fluxcd.io/v2/helmreleases"] = (
        200,
        {"items": [release("notes"), release("hydra", namespace="stackspin")]},
    )
    answers[f"GET {APPS}/notes"] = (200, release("notes"))
    answers["GET /kubernetes/api/v1/namespaces/flux-system/configmaps"] = (
        200,
        {
            "items": [
                {
                    "metadata": {"name": "stackspin-notes-kustomization-variables"},
                    "data": {"notes_domain": "notes.stackspin.test"},
                }
            ]
        },
    )
    return running_services


@pytest.fixture
def browser(services: Services) -> Any:
    """Django's test client: somebody who is not logged in."""
    del services
    from django.test import Client

    return Client(headers={"host": HOST}, enforce_csrf_checks=True, raise_request_exception=False)
