"""Benchmarks of the harness itself: ``tox -e bench``, or ``python -m bench [NAMES] [--rounds N]``.

catalogue.py registers them by name, cases/ has one module each, lab.py gives them clusters that are
gone afterwards, runner.py takes the rounds, summary.py and machine.py make numbers comparable,
results.py shows and keeps them. None of them is a test: a slow machine is no defect.
"""
