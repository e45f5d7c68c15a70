"""The statistical models of lifetime value. Imports none of ours."""
