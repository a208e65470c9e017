"""The specification: one folder a capability, each test a promise that Stackspin makes."""

import pkgutil

import pytest

# Assertions of the modules beside the checks explain themselves too; before their first import.
pytest.register_assert_rewrite(*(f"{__name__}.{it.name}" for it in pkgutil.iter_modules(__path__)))
