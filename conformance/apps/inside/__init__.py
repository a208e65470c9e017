"""Scripts that run where the data is: sent over standard input to a python3 in the container.

They import nothing but the standard library and work with every Python >= 3.9.
"""
