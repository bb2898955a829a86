-- Who starts Huike sees that nothing is missing without being the owner.
grant select on public.huike_migration to huike_writer;
