"""How kg CO2e is computed: units, the choice of the factor, the formula. Pure Python.

Nothing here imports Django or touches the database.
"""
