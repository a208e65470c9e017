"""The specification: one module a capability, each test a promise that Stackspin makes."""
