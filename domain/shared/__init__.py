"""The few words that every noun of the domain speaks."""
