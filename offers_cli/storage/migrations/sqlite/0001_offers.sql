-- Times are fixed-width ISO 8601 text in UTC, so that text order is time order. Prices are hundredths of `currency`.

CREATE TABLE offers (
  id TEXT NOT NULL PRIMARY KEY,
  marketplace TEXT NOT NULL CHECK (marketplace <> ''),
  external_id TEXT NOT NULL CHECK (external_id <> ''),
  title TEXT NOT NULL,
  title_folded TEXT NOT NULL, -- without case and accents, for searching and sorting (offers_cli/storage/folding.py)
  url TEXT NOT NULL,
  image_url TEXT,
  currency TEXT NOT NULL,
  price_cents INTEGER NOT NULL CHECK (typeof(price_cents) = 'integer' AND price_cents > 0),
  old_price_cents INTEGER CHECK (old_price_cents > price_cents),
  suspect_old_price_cents INTEGER,
  discount_pct INTEGER CHECK (discount_pct BETWEEN 0 AND 100),
  commission_pct INTEGER CHECK (commission_pct BETWEEN 0 AND 100),
  affiliate_link TEXT,
  affiliation_id TEXT,
  item_id TEXT,
  catalogue_id TEXT,
  source TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'gone')),
  first_seen_at TEXT NOT NULL,
  last_seen_at TEXT NOT NULL,
  price_changed_at TEXT NOT NULL,
  enriched_at TEXT,
  affiliate_checked_at TEXT,
  enrich_attempts INTEGER NOT NULL DEFAULT 0,
  enrich_attempted_at TEXT,
  enrich_error TEXT,
  enrich_error_message TEXT,
  strategies TEXT NOT NULL DEFAULT '{}',
  -- When the page, or the affiliate programme, was asked since the price last changed; null while it was not.
  page_looked_at TEXT GENERATED ALWAYS AS (CASE WHEN enriched_at >= price_changed_at THEN enriched_at END) VIRTUAL,
  link_looked_at TEXT GENERATED ALWAYS AS
    (CASE WHEN affiliate_checked_at >= price_changed_at THEN affiliate_checked_at END) VIRTUAL,
  UNIQUE (external_id, marketplace)
);

-- For each field that enrichment can fill: the offers to ask, never tried first (nulls sort first), then oldest. An
-- offer leaves it with its answer, so that a million done offers cost the next question nothing.
CREATE INDEX offers_needing_old_price ON offers (enrich_attempted_at, first_seen_at, id)
  WHERE status = 'active' AND old_price_cents IS NULL AND page_looked_at IS NULL;
CREATE INDEX offers_needing_discount ON offers (enrich_attempted_at, first_seen_at, id)
  WHERE status = 'active' AND discount_pct IS NULL AND page_looked_at IS NULL;
CREATE INDEX offers_needing_affiliate_link ON offers (enrich_attempted_at, first_seen_at, id)
  WHERE status = 'active' AND affiliate_link IS NULL AND link_looked_at IS NULL;

-- And all offers without it, by when they were last asked: to ask again after some age, and to count. What the condition
-- names stands in the key too, for then SQLite counts without a thought for the table, twice as quickly.
CREATE INDEX offers_missing_old_price ON offers (page_looked_at, id, status, old_price_cents)
  WHERE status = 'active' AND old_price_cents IS NULL;
CREATE INDEX offers_missing_discount ON offers (page_looked_at, id, status, discount_pct)
  WHERE status = 'active' AND discount_pct IS NULL;
CREATE INDEX offers_missing_affiliate_link ON offers (link_looked_at, id, status, affiliate_link)
  WHERE status = 'active' AND affiliate_link IS NULL;

CREATE INDEX offers_not_enriched ON offers (enriched_at) WHERE enriched_at IS NULL;
CREATE INDEX offers_gone ON offers (status) WHERE status = 'gone';
CREATE INDEX offers_last_seen_at ON offers (last_seen_at, id);

CREATE TABLE price_history (
  id INTEGER PRIMARY KEY,
  offer_id TEXT NOT NULL REFERENCES offers (id) ON DELETE CASCADE,
  observed_at TEXT NOT NULL,
  price_cents INTEGER NOT NULL,
  old_price_cents INTEGER,
  source TEXT NOT NULL CHECK (source IN ('listing', 'product'))
);
CREATE INDEX price_history_offer ON price_history (offer_id, observed_at, id);

CREATE TABLE scrape_runs (
  id TEXT NOT NULL PRIMARY KEY,
  source TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'interrupted')),
  started_at TEXT NOT NULL,
  finished_at TEXT,
  pages INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL DEFAULT 0,
  new INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0,
  filtered INTEGER NOT NULL DEFAULT 0,
  enqueued INTEGER NOT NULL DEFAULT 0,
  error TEXT
);
CREATE INDEX scrape_runs_started_at ON scrape_runs (started_at);
