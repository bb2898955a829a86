"""The customer at a glance: who they are, what they allow, bought, asked and were sent."""
