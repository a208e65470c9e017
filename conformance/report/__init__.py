"""One model of a run; JSON, JUnit and HTML are views of it."""
