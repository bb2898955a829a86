"""What campaigns brought: recipients by arm, funnel, conversion, revenue and last touch."""
