"""The specification: one module a capability, each test a promise that Stackspin makes."""

import pytest

# Its assertions explain themselves as those of the checks do; before the first import of it.
pytest.register_assert_rewrite("conformance.capabilities.auto_update_apps")
