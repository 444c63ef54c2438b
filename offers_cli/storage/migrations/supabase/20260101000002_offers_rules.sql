-- What a card or a page does to a stored offer: the same rules as offers_cli/storage/rules.py, one function each.
select pg_advisory_xact_lock(16776741);

-- Another price replaces price, old price and discount; at the same price, what is not told erases nothing.
create or replace function public.offers_with_prices(
  stored public.offers, told_price bigint, told_old_price bigint, told_discount integer, observed_at timestamptz
) returns public.offers language plpgsql immutable set search_path = '' as $$
begin
  if told_price <> stored.price_cents then
    stored.price_changed_at := observed_at;
  elsif told_old_price is null or told_old_price is not distinct from stored.old_price_cents then
    if told_discount is not null
      and (told_old_price is not null or stored.old_price_cents is null or stored.discount_pct is null) then
      stored.discount_pct := told_discount;
    end if;
    return stored;
  end if;
  stored.price_cents := told_price;
  stored.old_price_cents := told_old_price;
  stored.discount_pct := told_discount;
  stored.suspect_old_price_cents := null;
  stored.strategies := '{}';
  return stored;
end $$;

-- An older sight than the stored one changes nothing; prices count unless a page was read later.
create or replace function public.offers_with_card(
  stored public.offers, card public.offers, seen_at timestamptz
) returns public.offers language plpgsql immutable set search_path = '' as $$
begin
  if seen_at < stored.last_seen_at then
    return stored;
  end if;
  if not stored.strategies ? 'title' then
    stored.title := card.title;
  end if;
  stored.url := card.url;
  stored.image_url := coalesce(card.image_url, stored.image_url);
  stored.currency := card.currency;
  stored.commission_pct := coalesce(card.commission_pct, stored.commission_pct);
  stored.affiliate_link := coalesce(card.affiliate_link, stored.affiliate_link);
  stored.affiliation_id := coalesce(card.affiliation_id, stored.affiliation_id);
  stored.item_id := coalesce(card.item_id, stored.item_id);
  stored.catalogue_id := coalesce(card.catalogue_id, stored.catalogue_id);
  stored.source := card.source;
  stored.last_seen_at := seen_at;
  if coalesce(stored.enrich_attempted_at <= seen_at, true) then
    stored.status := 'active';
  end if;
  if stored.enriched_at > seen_at then
    return stored;
  end if;
  return public.offers_with_prices(stored, card.price_cents, card.old_price_cents, card.discount_pct, seen_at);
end $$;

-- Counts the attempt once, however often its result is recorded; the latest attempt's error stands.
create or replace function public.offers_with_attempt(
  stored public.offers, attempted_at timestamptz, error text, message text
) returns public.offers language plpgsql immutable set search_path = '' as $$
begin
  if stored.enrich_attempted_at > attempted_at then
    return stored;
  end if;
  if stored.enrich_attempted_at is distinct from attempted_at then
    stored.enrich_attempts := stored.enrich_attempts + 1;
  end if;
  stored.enrich_attempted_at := attempted_at;
  stored.enrich_error := error;
  stored.enrich_error_message := message;
  return stored;
end $$;

-- A page read at `observed_at`. Verdicts: applied, superseded (a newer page is stored), stale (a listing saw another
-- price since).
create or replace function public.offers_with_page(
  inout stored public.offers, page jsonb, observed_at timestamptz, out verdict text
) language plpgsql immutable set search_path = '' as $$
declare
  price bigint := coalesce((page ->> 'price_cents')::bigint, stored.price_cents);
  old_price bigint := (page ->> 'old_price_cents')::bigint;
begin
  if stored.enriched_at > observed_at then
    verdict := 'superseded';
    return;
  elsif price <> stored.price_cents and stored.last_seen_at > observed_at then
    verdict := 'stale';
    return;
  end if;
  verdict := 'applied';
  stored := public.offers_with_prices(
    stored, price, case when old_price > price then old_price end, (page ->> 'discount_pct')::integer, observed_at);
  stored.title := coalesce(page ->> 'title', stored.title);
  stored.suspect_old_price_cents := (page ->> 'suspect_old_price_cents')::bigint;
  stored.strategies := page -> 'strategies';
  stored.enriched_at := greatest(observed_at, stored.price_changed_at);
  if coalesce(stored.enrich_attempted_at <= observed_at, true) then
    stored.status := 'active';
  end if;
end $$;

create or replace function public.offers_with_link(
  inout stored public.offers, result jsonb, observed_at timestamptz, out verdict text
) language plpgsql immutable set search_path = '' as $$
begin
  if stored.affiliate_checked_at > observed_at then
    verdict := 'superseded';
    return;
  end if;
  verdict := 'applied';
  stored.affiliate_link := coalesce(result ->> 'affiliate_link', stored.affiliate_link);
  stored.affiliation_id := coalesce(result ->> 'affiliation_id', stored.affiliation_id);
  stored.affiliate_checked_at := greatest(observed_at, stored.price_changed_at);
end $$;

-- A final failure counts as looked for; a gone offer that a listing saw meanwhile stays active.
create or replace function public.offers_with_failure(
  inout stored public.offers, failure jsonb, observed_at timestamptz, out verdict text
) language plpgsql immutable set search_path = '' as $$
begin
  if stored.enrich_attempted_at > observed_at then
    verdict := 'superseded';
    return;
  end if;
  verdict := 'applied';
  stored := public.offers_with_attempt(stored, observed_at, failure ->> 'code', failure ->> 'message');
  if (failure ->> 'gone')::boolean then
    if stored.last_seen_at > observed_at then
      verdict := 'stale';
    else
      stored.status := 'gone';
    end if;
  elsif (failure ->> 'final')::boolean then
    stored.affiliate_checked_at := greatest(stored.affiliate_checked_at, observed_at);
    if failure ->> 'code' <> 'link_refused' then
      stored.enriched_at := greatest(stored.enriched_at, observed_at);
    end if;
  end if;
end $$;

create or replace function public.offers_with_result(
  inout stored public.offers, result jsonb, out verdict text
) language plpgsql immutable set search_path = '' as $$
declare
  observed_at timestamptz := result ->> 'observed_at';
  part record;
  page_verdict text;
  link_verdict text;
begin
  if result ? 'code' then
    part := public.offers_with_failure(stored, result, observed_at);
    stored := part.stored;
    verdict := part.verdict;
    return;
  end if;
  if (result ->> 'page_read')::boolean then
    part := public.offers_with_page(stored, result, observed_at);
    stored := part.stored;
    page_verdict := part.verdict;
  end if;
  if (result ->> 'affiliate_checked')::boolean or result ->> 'affiliate_link' is not null then
    part := public.offers_with_link(stored, result, observed_at);
    stored := part.stored;
    link_verdict := part.verdict;
  end if;
  verdict := coalesce(page_verdict, link_verdict, 'applied');
  if 'applied' in (verdict, link_verdict) then
    stored := public.offers_with_attempt(stored, observed_at, null, null);
    verdict := case page_verdict when 'stale' then 'stale' else 'applied' end;
  end if;
end $$;

insert into public.offers_schema (version) values (2) on conflict do nothing;
