-- How people call an offer: by its catalogue product, or by the user product that its address names.
CREATE INDEX offers_catalogue ON offers (catalogue_id) WHERE catalogue_id IS NOT NULL;
CREATE INDEX offers_user_product ON offers (substr(url, instr(url, '/up/') + 4)) WHERE instr(url, '/up/');
