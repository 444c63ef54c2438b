-- How many offers stand how, kept by triggers, so that no count reads the offers. `coverage` is the sum of
--   1  gone                    2  a page, or a card that is trusted, told its prices
--   4  no old price            8  no discount            16  no affiliate link
--  32  its page, and          64  the programme, were not asked since the price last changed.
-- An attempt that fails for good counts as looked for (`enriched_at` is its own moment then), but told nothing.
ALTER TABLE offers ADD COLUMN coverage INTEGER GENERATED ALWAYS AS (
  1 * (status = 'gone')
  + 2 * (enriched_at IS NOT NULL
      AND (strategies <> '{}' OR enrich_error IS NULL OR enriched_at <> coalesce(enrich_attempted_at, '')))
  + 4 * (old_price_cents IS NULL) + 8 * (discount_pct IS NULL) + 16 * (affiliate_link IS NULL)
  + 32 * (page_looked_at IS NULL) + 64 * (link_looked_at IS NULL)) VIRTUAL;

CREATE TABLE offers_tally (coverage INTEGER PRIMARY KEY, offers INTEGER NOT NULL);
INSERT INTO offers_tally
  WITH RECURSIVE ways (coverage) AS (VALUES (0) UNION ALL SELECT coverage + 1 FROM ways WHERE coverage < 127)
  SELECT coverage, sum(offers) FROM (SELECT coverage, 0 AS offers FROM ways UNION ALL SELECT coverage, 1 FROM offers)
  GROUP BY coverage;

CREATE TRIGGER offers_tally_inserted AFTER INSERT ON offers BEGIN
  UPDATE offers_tally SET offers = offers + 1 WHERE coverage = NEW.coverage;
END;
CREATE TRIGGER offers_tally_deleted AFTER DELETE ON offers BEGIN
  UPDATE offers_tally SET offers = offers - 1 WHERE coverage = OLD.coverage;
END;
CREATE TRIGGER offers_tally_updated AFTER UPDATE OF status, enriched_at, affiliate_checked_at, price_changed_at,
    old_price_cents, discount_pct, affiliate_link, strategies, enrich_error, enrich_attempted_at ON offers
  WHEN NEW.coverage <> OLD.coverage
BEGIN
  UPDATE offers_tally SET offers = offers - 1 WHERE coverage = OLD.coverage;
  UPDATE offers_tally SET offers = offers + 1 WHERE coverage = NEW.coverage;
END;

-- They served counts alone.
DROP INDEX offers_not_enriched;
DROP INDEX offers_gone;
