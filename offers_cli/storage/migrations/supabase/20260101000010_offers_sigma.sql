-- The small sigma at a word's end is the same letter as inside a word, as it is in folding.py from now on.
select pg_advisory_xact_lock(16776741);

create or replace function public.offers_folded(title text)
returns text language sql immutable set search_path = '' as $$
  select replace(lower(regexp_replace(normalize(title, nfkd), U&'[\0300-\036f]', '', 'g')), U&'\03c2', U&'\03c3')
$$;

-- What is generated is generated anew when its row is written.
update public.offers set title = title where title ~ U&'[\03a3\03c2]';

insert into public.offers_schema (version) values (10) on conflict do nothing;
notify pgrst, 'reload schema';
