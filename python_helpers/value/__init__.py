"""The statistical models of lifetime value. No other package of python_helpers is imported."""
