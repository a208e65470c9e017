"""The rules: a folder for each family; a module for each rule, and its prose beside it."""
