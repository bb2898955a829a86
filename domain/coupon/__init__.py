"""Coupons: promises of a discount, kept when they are redeemed."""
