CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE sale (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	shift_id BLOB NOT NULL, 
	register TEXT NOT NULL, 
	receipt_number BIGINT NOT NULL, 
	cashier TEXT NOT NULL, 
	client TEXT, 
	client_id BLOB, 
	sold_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	hour SMALLINT NOT NULL, 
	currency TEXT NOT NULL, 
	units_thousandths BIGINT NOT NULL, 
	gross_minor BIGINT NOT NULL, 
	discounts_minor BIGINT NOT NULL, 
	net_minor BIGINT NOT NULL, 
	change_minor BIGINT NOT NULL, 
	received_at BIGINT, rounding_minor BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE sale_line (
	branch_id BLOB NOT NULL, 
	sale_id BLOB NOT NULL, 
	line_number INTEGER NOT NULL, 
	sku TEXT NOT NULL, 
	product_id BLOB, 
	category TEXT, 
	quantity_thousandths BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	discount_minor BIGINT NOT NULL, 
	received_at BIGINT, vat_basis_points INTEGER, vat_minor BIGINT DEFAULT '0' NOT NULL, name TEXT, reason TEXT, 
	PRIMARY KEY (branch_id, sale_id, line_number), 
	FOREIGN KEY(branch_id, sale_id) REFERENCES sale (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE payment (
	branch_id BLOB NOT NULL, 
	sale_id BLOB NOT NULL, 
	payment_number INTEGER NOT NULL, 
	method TEXT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, sale_id, payment_number), 
	FOREIGN KEY(branch_id, sale_id) REFERENCES sale (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE shift_open (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	register TEXT NOT NULL, 
	cashier TEXT NOT NULL, 
	opened_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	implicit BOOLEAN NOT NULL, 
	float_minor BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE INDEX shift_open_by_register ON shift_open (branch_id, register, business_date);

CREATE TABLE card (
	kind INTEGER NOT NULL, 
	id BLOB NOT NULL, 
	state BLOB NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (kind, id)
)
 WITHOUT ROWID;

CREATE TABLE client (
	id BLOB NOT NULL, 
	external_id TEXT, 
	name TEXT, 
	phones TEXT, 
	emails TEXT, 
	note TEXT, 
	do_not_contact BOOLEAN NOT NULL, 
	archived BOOLEAN NOT NULL, 
	sort_key TEXT NOT NULL, 
	search_text TEXT NOT NULL, 
	received_at BIGINT, client_group TEXT, tier TEXT, kind TEXT, birthday TEXT, preferences TEXT, tags TEXT, address TEXT, language TEXT, tax_number TEXT, loyalty_number TEXT, company_id BLOB, position TEXT, owner_id BLOB, consent_data BOOLEAN DEFAULT '0' NOT NULL, consent_data_source TEXT, consent_data_at BIGINT, consent_advertising BOOLEAN DEFAULT '0' NOT NULL, consent_advertising_source TEXT, consent_advertising_at BIGINT, do_not_contact_reason TEXT, no_next_step TEXT, merged_into BLOB, not_same_as TEXT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX client_by_sort_key ON client (sort_key);

CREATE INDEX client_by_external_id ON client (external_id);

CREATE TABLE product (
	id BLOB NOT NULL, 
	sku TEXT, 
	name TEXT, 
	category TEXT, 
	barcode TEXT, 
	unit TEXT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, limited BOOLEAN DEFAULT '0' NOT NULL, vat_code TEXT, weighed BOOLEAN DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX product_by_sku ON product (sku);

CREATE TABLE price (
	id BLOB NOT NULL, 
	product_id BLOB, 
	zone TEXT, 
	amount_minor BIGINT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, valid_from BIGINT, valid_to BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE employee (
	id BLOB NOT NULL, 
	code TEXT, 
	name TEXT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, dismissed_on BIGINT, language TEXT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX employee_by_code ON employee (code);

CREATE TABLE "conflict" (
	kind INTEGER NOT NULL, 
	card_id BLOB NOT NULL, 
	field TEXT NOT NULL, 
	older_command_id BLOB NOT NULL, 
	newer_command_id BLOB NOT NULL, 
	rule TEXT NOT NULL, 
	older_value TEXT NOT NULL, 
	older_author BLOB NOT NULL, 
	older_branch_id BLOB NOT NULL, 
	older_hlc BIGINT NOT NULL, 
	newer_value TEXT NOT NULL, 
	newer_author BLOB NOT NULL, 
	newer_branch_id BLOB NOT NULL, 
	newer_hlc BIGINT NOT NULL, 
	shown_command_id BLOB NOT NULL, 
	detected_at BIGINT NOT NULL, 
	closed_by_command_id BLOB, 
	closed_at BIGINT, 
	PRIMARY KEY (kind, card_id, field, older_command_id, newer_command_id)
)
 WITHOUT ROWID;

CREATE TABLE node (
	id INTEGER NOT NULL, 
	chain_id BLOB NOT NULL, 
	chain_name TEXT NOT NULL, 
	branch_id BLOB NOT NULL, 
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	timezone TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	price_zone TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	when_unreachable TEXT NOT NULL, 
	hq_address TEXT NOT NULL, 
	revision INTEGER NOT NULL, 
	hlc_epoch INTEGER NOT NULL, 
	hlc_seen BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT node_is_one CHECK (id = 1)
);

CREATE TABLE incarnation (
	number INTEGER NOT NULL, 
	id BLOB NOT NULL, 
	first_position BIGINT NOT NULL, 
	genesis_hash BLOB NOT NULL, 
	parent_id BLOB, 
	parent_seq BIGINT NOT NULL, 
	parent_hash BLOB, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (id)
);

CREATE TABLE journal (
	position INTEGER NOT NULL, 
	entry_hash BLOB NOT NULL, 
	hlc BIGINT NOT NULL, 
	row_count INTEGER NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (position)
);

CREATE TABLE idempotency_key (
	"key" TEXT NOT NULL, 
	command_id BLOB NOT NULL, 
	content_hash BLOB NOT NULL, 
	record_id BLOB NOT NULL, 
	seq BIGINT NOT NULL, 
	confirmed BOOLEAN NOT NULL, 
	PRIMARY KEY ("key")
)
 WITHOUT ROWID;

CREATE TABLE register (
	code TEXT NOT NULL, 
	last_receipt_number BIGINT NOT NULL, 
	open_shift_id BLOB, 
	implicit_shift_id BLOB, 
	implicit_date DATE, 
	PRIMARY KEY (code)
)
 WITHOUT ROWID;

CREATE TABLE sync_state (
	id INTEGER NOT NULL, 
	acknowledged_seq BIGINT NOT NULL, 
	acknowledged_hash BLOB NOT NULL, 
	feed_epoch BLOB NOT NULL, 
	feed_position BIGINT NOT NULL, 
	feed_hash BLOB NOT NULL, 
	skew_ms BIGINT, 
	backup_seq BIGINT NOT NULL, 
	connected INTEGER NOT NULL, 
	last_sync_at BIGINT, 
	trouble TEXT, last_fence BIGINT DEFAULT '0' NOT NULL, history_life BIGINT, history_seq BIGINT, foreign_entries BIGINT DEFAULT '0' NOT NULL, proposals_wanted BOOLEAN DEFAULT '0' NOT NULL, counted_position BIGINT DEFAULT '0' NOT NULL, pruned_position BIGINT DEFAULT '0' NOT NULL, feed_folded_to BIGINT DEFAULT '0' NOT NULL, failures INTEGER DEFAULT '0' NOT NULL, not_before BIGINT DEFAULT '0' NOT NULL, proposals_kept_by BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT sync_state_is_one CHECK (id = 1)
);

CREATE TABLE parked_entry (
	incarnation BLOB NOT NULL, 
	seq BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	reported_at BIGINT NOT NULL, 
	PRIMARY KEY (incarnation, seq)
)
 WITHOUT ROWID;

CREATE TABLE pass_request (
	id BLOB NOT NULL, 
	wanted_at BIGINT NOT NULL, 
	finished_at BIGINT, 
	problem TEXT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX pass_request_open ON pass_request (finished_at);

CREATE TRIGGER product_insert_raises_revision AFTER INSERT ON product BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER product_update_raises_revision AFTER UPDATE ON product BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER product_delete_raises_revision AFTER DELETE ON product BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER client_insert_raises_revision AFTER INSERT ON client BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER client_update_raises_revision AFTER UPDATE ON client BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER client_delete_raises_revision AFTER DELETE ON client BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TABLE history_entry (
	incarnation BLOB NOT NULL, 
	seq BIGINT NOT NULL, 
	command_id BLOB NOT NULL, 
	data BLOB NOT NULL, held_at_hq BOOLEAN DEFAULT '1' NOT NULL, 
	PRIMARY KEY (incarnation, seq)
);

CREATE TABLE record_counter (
	kind INTEGER NOT NULL, 
	business_date DATE NOT NULL, 
	records BIGINT NOT NULL, 
	fingerprint BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	PRIMARY KEY (kind, business_date)
)
 WITHOUT ROWID;

CREATE INDEX history_entry_command ON history_entry (command_id);

CREATE TABLE pruned_counter (
	kind INTEGER NOT NULL, 
	business_date DATE NOT NULL, 
	records BIGINT NOT NULL, 
	fingerprint BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	PRIMARY KEY (kind, business_date)
)
 WITHOUT ROWID;

CREATE TABLE receipt_void (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	register TEXT NOT NULL, 
	receipt_number BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	voided_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE mode_switch (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	mode TEXT NOT NULL, 
	when_unreachable TEXT NOT NULL, 
	switched_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE budget_spend (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	budget_id BLOB NOT NULL, 
	lease_id BLOB, 
	amount BIGINT NOT NULL, 
	spent_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE lease_return (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	budget_id BLOB NOT NULL, 
	lease_id BLOB NOT NULL, 
	unused BIGINT NOT NULL, 
	returned_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE intent (
	command_id BLOB NOT NULL, 
	"key" TEXT, 
	register TEXT, 
	receipt_number BIGINT, 
	created_at BIGINT NOT NULL, 
	in_doubt BOOLEAN NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (command_id)
)
 WITHOUT ROWID;

CREATE INDEX intent_by_creation ON intent (created_at);

CREATE TABLE lease (
	lease_id BLOB NOT NULL, 
	budget_id BLOB NOT NULL, 
	owner TEXT NOT NULL, 
	incarnation BLOB NOT NULL, 
	amount BIGINT NOT NULL, 
	spent BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	returned BOOLEAN NOT NULL, 
	PRIMARY KEY (lease_id)
)
 WITHOUT ROWID;

CREATE INDEX lease_by_owner ON lease (owner);

CREATE TABLE lease_wish (
	owner TEXT NOT NULL, 
	amount BIGINT NOT NULL, 
	lease_id BLOB NOT NULL, 
	PRIMARY KEY (owner)
)
 WITHOUT ROWID;

CREATE TABLE refund (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	shift_id BLOB NOT NULL, 
	register TEXT NOT NULL, 
	receipt_number BIGINT NOT NULL, 
	cashier TEXT NOT NULL, 
	client TEXT, 
	client_id BLOB, 
	refunded_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	hour SMALLINT NOT NULL, 
	currency TEXT NOT NULL, 
	sale_id BLOB, 
	sale_branch_id BLOB, 
	sale_receipt TEXT, 
	authorised_by TEXT, 
	reason TEXT, 
	returns_minor BIGINT NOT NULL, 
	rounding_minor BIGINT NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE INDEX refund_by_sale ON refund (sale_id);

CREATE TABLE refund_line (
	branch_id BLOB NOT NULL, 
	refund_id BLOB NOT NULL, 
	line_number INTEGER NOT NULL, 
	sale_line INTEGER NOT NULL, 
	sku TEXT NOT NULL, 
	product_id BLOB, 
	category TEXT, 
	quantity_thousandths BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	discount_minor BIGINT NOT NULL, 
	vat_basis_points INTEGER, 
	vat_minor BIGINT NOT NULL, 
	name TEXT, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, refund_id, line_number)
)
 WITHOUT ROWID;

CREATE TABLE refund_payment (
	branch_id BLOB NOT NULL, 
	refund_id BLOB NOT NULL, 
	payment_number INTEGER NOT NULL, 
	method TEXT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, refund_id, payment_number)
)
 WITHOUT ROWID;

CREATE TABLE cash_movement (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	shift_id BLOB NOT NULL, 
	register TEXT NOT NULL, 
	cashier TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	moved_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE audit_entry (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	action TEXT NOT NULL, 
	register TEXT NOT NULL, 
	cashier TEXT NOT NULL, 
	authorised_by TEXT, 
	amount_minor BIGINT NOT NULL, 
	detail TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE shift_close (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	shift_id BLOB NOT NULL, 
	register TEXT NOT NULL, 
	cashier TEXT NOT NULL, 
	closed_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	currency TEXT NOT NULL, 
	receipts INTEGER NOT NULL, 
	first_receipt BIGINT NOT NULL, 
	last_receipt BIGINT NOT NULL, 
	gross_minor BIGINT NOT NULL, 
	discounts_minor BIGINT NOT NULL, 
	net_minor BIGINT NOT NULL, 
	float_minor BIGINT NOT NULL, 
	expected_cash_minor BIGINT NOT NULL, 
	counted_cash_minor BIGINT, 
	refunds INTEGER DEFAULT '0' NOT NULL, 
	returns_minor BIGINT DEFAULT '0' NOT NULL, 
	cash_in_minor BIGINT DEFAULT '0' NOT NULL, 
	cash_out_minor BIGINT DEFAULT '0' NOT NULL, 
	rounding_minor BIGINT DEFAULT '0' NOT NULL, 
	undecided TEXT DEFAULT '' NOT NULL, 
	late TEXT DEFAULT '' NOT NULL, 
	late_minor BIGINT DEFAULT '0' NOT NULL, 
	denominations TEXT DEFAULT '' NOT NULL, 
	signature BLOB DEFAULT (x'') NOT NULL, 
	received_at BIGINT, 
	CONSTRAINT shift_close_key PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE INDEX shift_close_by_shift ON shift_close (branch_id, shift_id);

CREATE TABLE shift_close_method (
	branch_id BLOB NOT NULL, 
	close_id BLOB NOT NULL, 
	method TEXT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	received_at BIGINT, 
	CONSTRAINT shift_close_method_key PRIMARY KEY (branch_id, close_id, method)
)
 WITHOUT ROWID;

CREATE TABLE role (
	id BLOB NOT NULL, 
	code TEXT, 
	name TEXT, 
	permissions TEXT, 
	discount_basis_points_max BIGINT, 
	refund_without_receipt_minor_max BIGINT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, client_scope TEXT, hidden_fields TEXT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE position (
	id BLOB NOT NULL, 
	employee_id BLOB, 
	role_code TEXT, 
	reports_to BLOB, 
	branches TEXT, 
	valid_from BIGINT, 
	valid_to BIGINT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX position_by_employee ON position (employee_id);

CREATE TABLE credential (
	id BLOB NOT NULL, 
	employee_id BLOB, 
	password_hash TEXT, 
	must_change BOOLEAN NOT NULL, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX credential_by_employee ON credential (employee_id);

CREATE TABLE session (
	token_hash BLOB NOT NULL, 
	id BLOB NOT NULL, 
	employee_id BLOB NOT NULL, 
	method TEXT NOT NULL, 
	proof BLOB NOT NULL, 
	pairing_id BLOB, 
	created_at BIGINT NOT NULL, 
	last_used_at BIGINT NOT NULL, 
	PRIMARY KEY (token_hash)
)
 WITHOUT ROWID;

CREATE INDEX session_by_employee ON session (employee_id);

CREATE TABLE log_in_failure (
	scope TEXT NOT NULL, 
	id BLOB NOT NULL, 
	failures INTEGER NOT NULL, 
	last_failed_at BIGINT NOT NULL, 
	locked_until BIGINT NOT NULL, 
	PRIMARY KEY (scope, id)
)
 WITHOUT ROWID;

CREATE TABLE pin (
	employee_id BLOB NOT NULL, 
	pin_hash TEXT NOT NULL, 
	set_at BIGINT NOT NULL, 
	set_by BLOB NOT NULL, 
	PRIMARY KEY (employee_id)
)
 WITHOUT ROWID;

CREATE TABLE pairing (
	id BLOB NOT NULL, 
	register TEXT NOT NULL, 
	code_hash BLOB NOT NULL, 
	code_expires_at BIGINT NOT NULL, 
	token_hash BLOB, 
	label TEXT, 
	created_by BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	paired_at BIGINT, 
	revoked_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX pairing_by_token ON pairing (token_hash);

CREATE INDEX pairing_by_code ON pairing (code_hash);

CREATE INDEX price_by_product ON price (product_id, zone, valid_from);

CREATE TABLE promotion (
	id BLOB NOT NULL, 
	code TEXT, 
	name TEXT, 
	type TEXT, 
	value BIGINT, 
	n BIGINT, 
	m BIGINT, 
	skus TEXT, 
	categories TEXT, 
	client_groups TEXT, 
	zones TEXT, 
	valid_from BIGINT, 
	valid_to BIGINT, 
	weekdays TEXT, 
	minute_from BIGINT, 
	minute_to BIGINT, 
	minimum_minor BIGINT, 
	combinable BOOLEAN NOT NULL, 
	per_basket BOOLEAN NOT NULL, 
	priority BIGINT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX promotion_by_code ON promotion (code);

CREATE TABLE vat_rate (
	id BLOB NOT NULL, 
	code TEXT, 
	rate_basis_points BIGINT, 
	valid_from BIGINT, 
	valid_to BIGINT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX vat_rate_by_code ON vat_rate (code);

CREATE TRIGGER price_insert_raises_revision AFTER INSERT ON price BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER price_update_raises_revision AFTER UPDATE ON price BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER price_delete_raises_revision AFTER DELETE ON price BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER promotion_insert_raises_revision AFTER INSERT ON promotion BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER promotion_update_raises_revision AFTER UPDATE ON promotion BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER promotion_delete_raises_revision AFTER DELETE ON promotion BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER vat_rate_insert_raises_revision AFTER INSERT ON vat_rate BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER vat_rate_update_raises_revision AFTER UPDATE ON vat_rate BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER vat_rate_delete_raises_revision AFTER DELETE ON vat_rate BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TABLE print_job (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	created_at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	register TEXT NOT NULL, 
	record_id BLOB, 
	document TEXT NOT NULL, 
	state TEXT NOT NULL, 
	in_doubt BOOLEAN NOT NULL, 
	attempts INTEGER NOT NULL, 
	last_problem TEXT, 
	changed_at BIGINT NOT NULL
);

CREATE INDEX print_job_by_state ON print_job (state, id);

CREATE TABLE card_attempt (
	reference TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	payment_number INTEGER NOT NULL, 
	register TEXT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	currency TEXT NOT NULL, 
	refunds TEXT, 
	state TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	approval TEXT, 
	card TEXT, 
	problem TEXT, 
	record_id BLOB, 
	PRIMARY KEY (reference)
)
 WITHOUT ROWID;

CREATE INDEX card_attempt_by_key ON card_attempt ("key", payment_number);

CREATE INDEX card_attempt_by_state ON card_attempt (state, register);

CREATE INDEX card_attempt_by_record ON card_attempt (record_id);

CREATE TABLE basket (
	id BLOB NOT NULL, 
	register TEXT NOT NULL, 
	cashier TEXT NOT NULL, 
	state TEXT NOT NULL, 
	title TEXT, 
	client TEXT, 
	client_id BLOB, 
	discount_kind TEXT, 
	discount_value BIGINT, 
	discount_limit_basis_points INTEGER, 
	discount_by TEXT, 
	discount_reason TEXT, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	held_at BIGINT, 
	revision INTEGER NOT NULL, 
	next_line INTEGER NOT NULL, 
	next_action INTEGER NOT NULL, 
	sale_asked TEXT, 
	sale_asked_at BIGINT, 
	sale_answer TEXT, 
	trouble TEXT, points BIGINT, client_name TEXT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE UNIQUE INDEX basket_open_at ON basket (register) WHERE state = 'open';

CREATE INDEX basket_by_state ON basket (state, changed_at);

CREATE TABLE basket_line (
	basket_id BLOB NOT NULL, 
	line_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	sku TEXT NOT NULL, 
	product_id BLOB, 
	name TEXT NOT NULL, 
	category TEXT, 
	unit TEXT, 
	unit_price_minor BIGINT, 
	quantity_thousandths BIGINT NOT NULL, 
	manual_price_minor BIGINT, 
	manual_price_by TEXT, 
	manual_price_reason TEXT, 
	discount_kind TEXT, 
	discount_value BIGINT, 
	discount_limit_basis_points INTEGER, 
	discount_by TEXT, 
	discount_reason TEXT, 
	code TEXT NOT NULL, 
	embedded_amount_minor BIGINT, 
	is_single BOOLEAN NOT NULL, 
	serial TEXT, 
	expiry DATE, 
	PRIMARY KEY (basket_id, line_id)
)
 WITHOUT ROWID;

CREATE TABLE basket_action (
	basket_id BLOB NOT NULL, 
	number INTEGER NOT NULL, 
	request_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	inverse TEXT NOT NULL, 
	result TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	undone BOOLEAN NOT NULL, 
	PRIMARY KEY (basket_id, number)
)
 WITHOUT ROWID;

CREATE UNIQUE INDEX basket_action_by_request ON basket_action (basket_id, request_id);

CREATE TABLE basket_unknown (
	basket_id BLOB NOT NULL, 
	code TEXT NOT NULL, 
	state TEXT NOT NULL, 
	PRIMARY KEY (basket_id, code)
)
 WITHOUT ROWID;

CREATE TABLE unknown_code (
	code TEXT NOT NULL, 
	problem TEXT NOT NULL, 
	register TEXT NOT NULL, 
	basket_id BLOB NOT NULL, 
	first_seen_at BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	times INTEGER NOT NULL, 
	name TEXT, 
	amount_minor BIGINT, 
	request_state TEXT NOT NULL, 
	PRIMARY KEY (code)
)
 WITHOUT ROWID;

CREATE INDEX unknown_code_by_request ON unknown_code (request_state, last_seen_at);

CREATE TABLE register_claim (
	register TEXT NOT NULL, 
	tab_token TEXT NOT NULL, 
	claimed_at BIGINT NOT NULL, 
	PRIMARY KEY (register)
)
 WITHOUT ROWID;

CREATE TABLE product_search (
	number INTEGER NOT NULL, 
	product_id BLOB NOT NULL, 
	barcode TEXT, 
	is_pending BOOLEAN NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (product_id)
);

CREATE INDEX product_search_by_barcode ON product_search (barcode);

CREATE INDEX product_search_pending ON product_search (number) WHERE is_pending;

CREATE VIRTUAL TABLE product_words USING fts5(words, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2', prefix='1 2 3');

CREATE TRIGGER product_insert_is_searched AFTER INSERT ON product BEGIN 
    INSERT INTO product_search (product_id, barcode, is_pending)
        VALUES (new.id, CASE WHEN new.archived THEN NULL ELSE new.barcode END, 1)
        ON CONFLICT (product_id) DO UPDATE SET barcode = excluded.barcode, is_pending = 1;
 END;

CREATE TRIGGER product_update_is_searched AFTER UPDATE ON product WHEN old.sku IS NOT new.sku OR old.name IS NOT new.name OR old.barcode IS NOT new.barcode OR old.archived IS NOT new.archived BEGIN 
    INSERT INTO product_search (product_id, barcode, is_pending)
        VALUES (new.id, CASE WHEN new.archived THEN NULL ELSE new.barcode END, 1)
        ON CONFLICT (product_id) DO UPDATE SET barcode = excluded.barcode, is_pending = 1;
 END;

CREATE TRIGGER product_delete_is_searched AFTER DELETE ON product BEGIN UPDATE product_search SET barcode = NULL, is_pending = 1 WHERE product_id = old.id; END;

CREATE TABLE stock_movement (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	reason TEXT NOT NULL, 
	document TEXT NOT NULL, 
	register TEXT, 
	employee TEXT NOT NULL, 
	moved_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, note TEXT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE stock_movement_line (
	branch_id BLOB NOT NULL, 
	movement_id BLOB NOT NULL, 
	line_number INTEGER NOT NULL, 
	sku TEXT NOT NULL, 
	product_id BLOB, 
	quantity_thousandths BIGINT NOT NULL, 
	cost_minor BIGINT, 
	counted_thousandths BIGINT, 
	expected_thousandths BIGINT, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, movement_id, line_number)
)
 WITHOUT ROWID;

CREATE TABLE loyalty_entry (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	client_id BLOB NOT NULL, 
	kind TEXT NOT NULL, 
	points BIGINT NOT NULL, 
	sale_id BLOB, 
	refund_id BLOB, 
	expires_on BIGINT, 
	reason TEXT NOT NULL, 
	made_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE INDEX loyalty_entry_by_client ON loyalty_entry (client_id);

CREATE INDEX loyalty_entry_by_sale ON loyalty_entry (sale_id);

CREATE TABLE loyalty_program (
	id BLOB NOT NULL, 
	code TEXT, 
	name TEXT, 
	earn_basis_points TEXT, 
	payable_share_basis_points_max BIGINT, 
	expires_days BIGINT, 
	point_value_minor BIGINT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TRIGGER loyalty_program_insert_raises_revision AFTER INSERT ON loyalty_program BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER loyalty_program_update_raises_revision AFTER UPDATE ON loyalty_program BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TRIGGER loyalty_program_delete_raises_revision AFTER DELETE ON loyalty_program BEGIN UPDATE node SET revision = revision + 1; END;

CREATE TABLE stock_on_hand (
	sku TEXT NOT NULL, 
	quantity_thousandths BIGINT NOT NULL, 
	is_kept BOOLEAN NOT NULL, 
	PRIMARY KEY (sku)
)
 WITHOUT ROWID;

CREATE TRIGGER sale_line_insert_moves_stock AFTER INSERT ON sale_line BEGIN INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (new.sku, -new.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; END;

CREATE TRIGGER sale_line_delete_moves_stock AFTER DELETE ON sale_line BEGIN INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (old.sku, old.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; END;

CREATE TRIGGER sale_line_update_moves_stock AFTER UPDATE ON sale_line BEGIN INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (old.sku, old.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (new.sku, -new.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; END;

CREATE TRIGGER refund_line_insert_moves_stock AFTER INSERT ON refund_line BEGIN INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (new.sku, new.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; END;

CREATE TRIGGER refund_line_delete_moves_stock AFTER DELETE ON refund_line BEGIN INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (old.sku, -old.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; END;

CREATE TRIGGER refund_line_update_moves_stock AFTER UPDATE ON refund_line BEGIN INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (old.sku, -old.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (new.sku, new.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; END;

CREATE TRIGGER stock_movement_line_insert_moves_stock AFTER INSERT ON stock_movement_line BEGIN INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (new.sku, new.quantity_thousandths, 1) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; END;

CREATE TRIGGER stock_movement_line_delete_moves_stock AFTER DELETE ON stock_movement_line BEGIN INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (old.sku, -old.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept;UPDATE stock_on_hand SET is_kept = EXISTS (SELECT 1 FROM stock_movement_line WHERE sku = old.sku) WHERE sku = old.sku; END;

CREATE TRIGGER stock_movement_line_update_moves_stock AFTER UPDATE ON stock_movement_line BEGIN INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (old.sku, -old.quantity_thousandths, 0) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept;UPDATE stock_on_hand SET is_kept = EXISTS (SELECT 1 FROM stock_movement_line WHERE sku = old.sku) WHERE sku = old.sku; INSERT INTO stock_on_hand (sku, quantity_thousandths, is_kept) VALUES (new.sku, new.quantity_thousandths, 1) ON CONFLICT (sku) DO UPDATE SET quantity_thousandths = quantity_thousandths + excluded.quantity_thousandths, is_kept = is_kept OR excluded.is_kept; END;

CREATE INDEX sale_by_receipt ON sale (branch_id, register, receipt_number);

CREATE INDEX sale_by_shift ON sale (shift_id);

CREATE INDEX sale_by_day ON sale (branch_id, business_date);

CREATE INDEX refund_by_receipt ON refund (branch_id, register, receipt_number);

CREATE INDEX refund_by_shift ON refund (shift_id);

CREATE TABLE product_request (
	id BLOB NOT NULL, 
	code TEXT, 
	problem TEXT, 
	name TEXT, 
	amount_minor BIGINT, 
	register TEXT, 
	times BIGINT, 
	first_seen_at BIGINT, 
	last_seen_at BIGINT, 
	state TEXT, 
	answered_at BIGINT, 
	product_id BLOB, 
	note TEXT, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX product_request_by_code ON product_request (code);

CREATE TABLE basket_return (
	basket_id BLOB NOT NULL, 
	sale_id BLOB NOT NULL, 
	sale_line INTEGER NOT NULL, 
	receipt TEXT NOT NULL, 
	name TEXT NOT NULL, 
	quantity_thousandths BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	authorised_by TEXT, 
	reason TEXT, 
	PRIMARY KEY (basket_id, sale_id, sale_line)
)
 WITHOUT ROWID;

CREATE INDEX refund_line_by_sku ON refund_line (sku);

CREATE INDEX stock_movement_line_by_sku ON stock_movement_line (sku);

CREATE TABLE stock_draft (
	id BLOB NOT NULL, 
	kind TEXT NOT NULL, 
	scope TEXT NOT NULL, 
	document TEXT NOT NULL, 
	note TEXT NOT NULL, 
	employee TEXT NOT NULL, 
	begun_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	revision INTEGER NOT NULL, 
	requests TEXT NOT NULL, 
	movement_id BLOB, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX stock_draft_open ON stock_draft (changed_at) WHERE movement_id IS NULL;

CREATE TABLE stock_draft_line (
	draft_id BLOB NOT NULL, 
	sku TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	quantity_thousandths BIGINT NOT NULL, 
	cost_minor BIGINT, 
	on_hand_thousandths BIGINT, 
	PRIMARY KEY (draft_id, sku)
)
 WITHOUT ROWID;

CREATE TABLE quick_key (
	register TEXT DEFAULT '' NOT NULL, 
	position INTEGER NOT NULL, 
	sku TEXT NOT NULL, 
	label TEXT NOT NULL, 
	colour TEXT NOT NULL, 
	key_group TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (register, position)
)
 WITHOUT ROWID;

CREATE TABLE fiscal_job (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	created_at BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	register TEXT NOT NULL, 
	record_id BLOB NOT NULL, 
	document TEXT NOT NULL, 
	state TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	last_problem TEXT, 
	sign TEXT, 
	changed_at BIGINT NOT NULL
);

CREATE INDEX fiscal_job_by_state ON fiscal_job (state, id);

CREATE UNIQUE INDEX fiscal_job_by_record ON fiscal_job (record_id, kind);

CREATE INDEX fiscal_job_shifts ON fiscal_job (register, id) WHERE kind IN ('open_shift', 'close_shift');

CREATE TABLE password_change (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	employee_id BLOB NOT NULL, 
	password_hash TEXT NOT NULL, 
	replaces BLOB NOT NULL, 
	changed_at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE INDEX password_change_by_employee ON password_change (employee_id, replaces);

CREATE INDEX client_by_company ON client (company_id);

CREATE INDEX client_by_loyalty_number ON client (loyalty_number);

CREATE INDEX client_by_merged_into ON client (merged_into);

CREATE INDEX client_by_owner ON client (owner_id, sort_key);

CREATE INDEX sale_by_client_id ON sale (client_id, sold_at) WHERE client_id IS NOT NULL;

CREATE INDEX sale_by_client ON sale (client, sold_at) WHERE client IS NOT NULL AND client_id IS NULL;

CREATE INDEX refund_by_client_id ON refund (client_id, refunded_at) WHERE client_id IS NOT NULL;

CREATE INDEX refund_by_client ON refund (client, refunded_at) WHERE client IS NOT NULL AND client_id IS NULL;

CREATE TABLE task (
	id BLOB NOT NULL, 
	client_id BLOB, 
	type TEXT, 
	title TEXT, 
	note TEXT, 
	assignee_id BLOB, 
	branch_id BLOB, 
	due_at BIGINT, 
	due_has_time BOOLEAN NOT NULL, 
	repeat TEXT, 
	snoozed_until BIGINT, 
	remind_minutes BIGINT, 
	state TEXT, 
	outcome TEXT, 
	done_at BIGINT, 
	done_by BLOB, 
	previous_id BLOB, 
	created_by BLOB, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, zone TEXT, next_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX task_by_assignee ON task (assignee_id, state, due_at);

CREATE INDEX task_by_done_at ON task (done_at) WHERE done_at IS NOT NULL;

CREATE INDEX task_by_client ON task (client_id, state, due_at);

CREATE INDEX task_by_state ON task (state, due_at);

CREATE TABLE dictionary_term (
	id BLOB NOT NULL, 
	dictionary TEXT, 
	code TEXT, 
	name TEXT, 
	name_en TEXT, 
	is_target BOOLEAN NOT NULL, 
	place BIGINT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE attachment (
	id BLOB NOT NULL, 
	client_id BLOB, 
	interaction_id BLOB, 
	name TEXT, 
	media_type TEXT, 
	size BIGINT, 
	sha256 TEXT, 
	chunks TEXT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX attachment_by_client ON attachment (client_id);

CREATE INDEX attachment_by_interaction ON attachment (interaction_id);

CREATE TABLE erasure (
	id BLOB NOT NULL, 
	reason TEXT, 
	ordered_at BIGINT, 
	ordered_by BLOB, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE mail (
	id BLOB NOT NULL, 
	client_id BLOB, 
	direction TEXT, 
	purpose TEXT, 
	address TEXT, 
	subject TEXT, 
	body TEXT, 
	created_at BIGINT, 
	created_by BLOB, 
	in_reply_to BLOB, 
	override_reason TEXT, 
	state TEXT, 
	detail TEXT, 
	decided_at BIGINT, 
	message_id TEXT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX mail_by_client ON mail (client_id, created_at);

CREATE INDEX mail_by_message_id ON mail (message_id);

CREATE INDEX mail_by_state ON mail (state, created_at);

CREATE TABLE substitution (
	id BLOB NOT NULL, 
	employee_id BLOB, 
	substitute_id BLOB, 
	valid_from BIGINT, 
	valid_to BIGINT, 
	reason TEXT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX substitution_by_employee ON substitution (employee_id);

CREATE TABLE interaction (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	client_id BLOB NOT NULL, 
	channel TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	employee TEXT NOT NULL, 
	contact TEXT NOT NULL, 
	reached BOOLEAN, 
	outcome TEXT NOT NULL, 
	duration_seconds BIGINT NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	told TEXT NOT NULL, 
	task_id BLOB, 
	next_task_id BLOB, 
	corrects_id BLOB, 
	hour SMALLINT NOT NULL, 
	at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, withdrawn BOOLEAN, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE INDEX interaction_by_corrected ON interaction (corrects_id) WHERE corrects_id IS NOT NULL;

CREATE INDEX interaction_by_client ON interaction (client_id, at);

CREATE INDEX interaction_by_day ON interaction (business_date, employee);

CREATE TABLE interaction_point (
	branch_id BLOB NOT NULL, 
	interaction_id BLOB NOT NULL, 
	point_number INTEGER NOT NULL, 
	theme TEXT NOT NULL, 
	competitor TEXT NOT NULL, 
	sentiment TEXT NOT NULL, 
	quote TEXT NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, interaction_id, point_number)
)
 WITHOUT ROWID;

CREATE TABLE client_transfer (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	client_id BLOB NOT NULL, 
	from_employee_id BLOB, 
	to_employee_id BLOB, 
	hand_over_id BLOB NOT NULL, 
	undoes_id BLOB, 
	employee TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	utc_offset_seconds INTEGER NOT NULL, 
	zone TEXT NOT NULL, 
	business_date DATE NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE INDEX client_transfer_by_client ON client_transfer (client_id, at);

CREATE INDEX client_transfer_by_hand_over ON client_transfer (hand_over_id);

CREATE TABLE card_edit (
	kind INTEGER NOT NULL, 
	card_id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	branch_id BLOB NOT NULL, 
	hlc_epoch BIGINT NOT NULL, 
	hlc BIGINT NOT NULL, 
	author BLOB NOT NULL, 
	changes TEXT NOT NULL, 
	seen_at BIGINT NOT NULL, 
	PRIMARY KEY (kind, card_id, command_id, branch_id)
)
 WITHOUT ROWID;

CREATE TABLE neighbour_fact (
	branch_id BLOB NOT NULL, 
	kind INTEGER NOT NULL, 
	id BLOB NOT NULL, 
	client_id BLOB NOT NULL, 
	at BIGINT NOT NULL, 
	branch_code TEXT NOT NULL, 
	payload BLOB NOT NULL, 
	PRIMARY KEY (branch_id, kind, id)
)
 WITHOUT ROWID;

CREATE INDEX neighbour_fact_by_client ON neighbour_fact (client_id, at);

CREATE TABLE client_seen (
	employee_id BLOB NOT NULL, 
	client_id BLOB NOT NULL, 
	edits INTEGER NOT NULL, 
	seen_at BIGINT NOT NULL, 
	PRIMARY KEY (employee_id, client_id)
)
 WITHOUT ROWID;

CREATE TABLE client_word (
	word TEXT NOT NULL, 
	client_id BLOB NOT NULL, 
	PRIMARY KEY (word, client_id)
)
 WITHOUT ROWID;

CREATE INDEX client_word_by_client ON client_word (client_id, word);

CREATE TABLE client_word_part (
	"inner" BOOLEAN NOT NULL, 
	part TEXT NOT NULL, 
	word TEXT NOT NULL, 
	PRIMARY KEY ("inner", part, word)
)
 WITHOUT ROWID;

CREATE TABLE client_word_typo (
	"key" BIGINT NOT NULL, 
	word TEXT NOT NULL, 
	PRIMARY KEY ("key", word)
)
 WITHOUT ROWID;

CREATE TABLE client_code (
	form INTEGER NOT NULL, 
	code TEXT NOT NULL, 
	client_id BLOB NOT NULL, 
	PRIMARY KEY (form, code, client_id)
)
 WITHOUT ROWID;

CREATE INDEX client_code_by_client ON client_code (client_id);

CREATE TABLE client_unindexed (
	client_id BLOB NOT NULL, 
	PRIMARY KEY (client_id)
)
 WITHOUT ROWID;

CREATE INDEX client_put_away ON client (sort_key) WHERE archived;

CREATE TABLE client_opening (
	employee_id BLOB NOT NULL, 
	client_id BLOB NOT NULL, 
	opened_at BIGINT NOT NULL, 
	PRIMARY KEY (employee_id, client_id)
)
 WITHOUT ROWID;

CREATE INDEX task_by_client_done ON task (client_id, done_at);

CREATE INDEX task_by_next ON task (assignee_id, next_at);

CREATE INDEX task_by_client_next ON task (client_id, next_at);

CREATE INDEX task_by_done ON task (done_by, done_at);

CREATE TABLE client_without_step (
	owner_id BLOB NOT NULL, 
	sort_key TEXT NOT NULL, 
	client_id BLOB NOT NULL, 
	PRIMARY KEY (owner_id, sort_key, client_id)
)
 WITHOUT ROWID;

CREATE UNIQUE INDEX client_without_step_by_client ON client_without_step (client_id);

CREATE TRIGGER step_of_new_client AFTER INSERT ON client WHEN NEW.owner_id IS NOT NULL
BEGIN DELETE FROM client_without_step WHERE client_id = NEW.id;
INSERT INTO client_without_step (owner_id, sort_key, client_id)
SELECT owner_id, sort_key, id FROM client c
WHERE id = NEW.id AND owner_id IS NOT NULL AND NOT archived AND merged_into IS NULL AND no_next_step IS NULL
  AND NOT EXISTS (SELECT 1 FROM task t WHERE t.client_id = c.id AND t.next_at > 0);
 END;

CREATE TRIGGER step_of_changed_client AFTER UPDATE OF owner_id, sort_key, archived, merged_into, no_next_step ON client
WHEN OLD.owner_id IS NOT NEW.owner_id OR OLD.sort_key <> NEW.sort_key OR OLD.archived <> NEW.archived
  OR OLD.merged_into IS NOT NEW.merged_into OR OLD.no_next_step IS NOT NEW.no_next_step
BEGIN DELETE FROM client_without_step WHERE client_id = NEW.id;
INSERT INTO client_without_step (owner_id, sort_key, client_id)
SELECT owner_id, sort_key, id FROM client c
WHERE id = NEW.id AND owner_id IS NOT NULL AND NOT archived AND merged_into IS NULL AND no_next_step IS NULL
  AND NOT EXISTS (SELECT 1 FROM task t WHERE t.client_id = c.id AND t.next_at > 0);
 END;

CREATE TRIGGER step_of_gone_client AFTER DELETE ON client
BEGIN DELETE FROM client_without_step WHERE client_id = OLD.id; END;

CREATE TRIGGER step_of_new_task AFTER INSERT ON task WHEN NEW.client_id IS NOT NULL AND NEW.next_at IS NOT NULL
BEGIN DELETE FROM client_without_step WHERE client_id = NEW.client_id;
INSERT INTO client_without_step (owner_id, sort_key, client_id)
SELECT owner_id, sort_key, id FROM client c
WHERE id = NEW.client_id AND owner_id IS NOT NULL AND NOT archived AND merged_into IS NULL AND no_next_step IS NULL
  AND NOT EXISTS (SELECT 1 FROM task t WHERE t.client_id = c.id AND t.next_at > 0);
 END;

CREATE TRIGGER step_of_changed_task AFTER UPDATE OF client_id, next_at ON task
WHEN OLD.client_id IS NOT NEW.client_id OR (OLD.next_at IS NULL) <> (NEW.next_at IS NULL)
BEGIN DELETE FROM client_without_step WHERE client_id = OLD.client_id;
INSERT INTO client_without_step (owner_id, sort_key, client_id)
SELECT owner_id, sort_key, id FROM client c
WHERE id = OLD.client_id AND owner_id IS NOT NULL AND NOT archived AND merged_into IS NULL AND no_next_step IS NULL
  AND NOT EXISTS (SELECT 1 FROM task t WHERE t.client_id = c.id AND t.next_at > 0);
 DELETE FROM client_without_step WHERE client_id = NEW.client_id;
INSERT INTO client_without_step (owner_id, sort_key, client_id)
SELECT owner_id, sort_key, id FROM client c
WHERE id = NEW.client_id AND owner_id IS NOT NULL AND NOT archived AND merged_into IS NULL AND no_next_step IS NULL
  AND NOT EXISTS (SELECT 1 FROM task t WHERE t.client_id = c.id AND t.next_at > 0);
 END;

CREATE TRIGGER step_of_gone_task AFTER DELETE ON task WHEN OLD.client_id IS NOT NULL
BEGIN DELETE FROM client_without_step WHERE client_id = OLD.client_id;
INSERT INTO client_without_step (owner_id, sort_key, client_id)
SELECT owner_id, sort_key, id FROM client c
WHERE id = OLD.client_id AND owner_id IS NOT NULL AND NOT archived AND merged_into IS NULL AND no_next_step IS NULL
  AND NOT EXISTS (SELECT 1 FROM task t WHERE t.client_id = c.id AND t.next_at > 0);
 END;

CREATE TABLE task_calendar (
	employee_id BLOB NOT NULL, 
	token_hash BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (employee_id)
)
 WITHOUT ROWID;

CREATE UNIQUE INDEX task_calendar_by_token ON task_calendar (token_hash);

CREATE TABLE task_reminder (
	employee_id BLOB NOT NULL, 
	task_id BLOB NOT NULL, 
	seen_at BIGINT NOT NULL, 
	PRIMARY KEY (employee_id, task_id)
)
 WITHOUT ROWID;

CREATE INDEX task_reminder_by_age ON task_reminder (seen_at);

CREATE TABLE client_key (
	"key" TEXT NOT NULL, 
	client_id BLOB NOT NULL, 
	shared_key TEXT, 
	PRIMARY KEY ("key", client_id)
)
 WITHOUT ROWID;

CREATE INDEX client_key_by_client ON client_key (client_id);

CREATE INDEX client_key_shared ON client_key (shared_key) WHERE shared_key IS NOT NULL;

CREATE TABLE erased_card (
	id BLOB NOT NULL, 
	kind INTEGER NOT NULL, 
	client_id BLOB NOT NULL, 
	PRIMARY KEY (id, kind)
)
 WITHOUT ROWID;

CREATE INDEX erased_card_by_client ON erased_card (client_id);

CREATE TABLE erasure_work (
	client_id BLOB NOT NULL, 
	applied_at BIGINT NOT NULL, 
	scoured_at BIGINT, 
	PRIMARY KEY (client_id)
)
 WITHOUT ROWID;

CREATE TABLE file_chunk (
	sha256 BLOB NOT NULL, 
	data BLOB NOT NULL, 
	stored_at BIGINT NOT NULL, 
	PRIMARY KEY (sha256)
);

CREATE TABLE file_transfer (
	attachment_id BLOB NOT NULL, 
	is_even BOOLEAN NOT NULL, 
	not_before BIGINT NOT NULL, 
	failures INTEGER NOT NULL, 
	waiting_bytes BIGINT NOT NULL, 
	problem TEXT, 
	PRIMARY KEY (attachment_id)
)
 WITHOUT ROWID;

CREATE INDEX file_transfer_open ON file_transfer (is_even, not_before);

CREATE TRIGGER attachment_insert_opens_transfer AFTER INSERT ON attachment WHEN new.chunks IS NOT NULL BEGIN INSERT INTO file_transfer (attachment_id, is_even, not_before, failures, waiting_bytes) VALUES (new.id, 0, 0, 0, COALESCE(new.size, 0)) ON CONFLICT (attachment_id) DO UPDATE SET is_even = 0, not_before = 0, failures = 0, problem = NULL, waiting_bytes = excluded.waiting_bytes; END;

CREATE TRIGGER attachment_update_opens_transfer AFTER UPDATE OF chunks, size, sha256 ON attachment WHEN new.chunks IS NOT old.chunks OR new.size IS NOT old.size OR new.sha256 IS NOT old.sha256 BEGIN INSERT INTO file_transfer (attachment_id, is_even, not_before, failures, waiting_bytes) VALUES (new.id, 0, 0, 0, COALESCE(new.size, 0)) ON CONFLICT (attachment_id) DO UPDATE SET is_even = 0, not_before = 0, failures = 0, problem = NULL, waiting_bytes = excluded.waiting_bytes; END;

CREATE TRIGGER attachment_delete_ends_transfer AFTER DELETE ON attachment BEGIN DELETE FROM file_transfer WHERE attachment_id = old.id; END;

CREATE TABLE client_import (
	id BLOB NOT NULL, 
	source TEXT NOT NULL, 
	columns TEXT NOT NULL, 
	mapping TEXT NOT NULL, 
	policy TEXT NOT NULL, 
	tag TEXT NOT NULL, 
	owner_id BLOB, 
	state TEXT NOT NULL, 
	trouble TEXT NOT NULL, 
	author BLOB NOT NULL, 
	author_name TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	row_count INTEGER NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX client_import_by_time ON client_import (created_at);

CREATE TABLE client_import_row (
	import_id BLOB NOT NULL, 
	row_number INTEGER NOT NULL, 
	cells TEXT NOT NULL, 
	outcome TEXT, 
	reason TEXT, 
	client_id BLOB, 
	"before" TEXT, 
	PRIMARY KEY (import_id, row_number)
)
 WITHOUT ROWID;

CREATE INDEX client_import_row_by_outcome ON client_import_row (import_id, outcome, row_number);

CREATE TABLE client_import_mapping (
	columns TEXT NOT NULL, 
	mapping TEXT NOT NULL, 
	PRIMARY KEY (columns)
)
 WITHOUT ROWID;

CREATE TABLE report_template (
	id BLOB NOT NULL, 
	name TEXT, 
	report TEXT, 
	ask TEXT, 
	roles TEXT, 
	is_shared BOOLEAN NOT NULL, 
	owner_id BLOB, 
	language TEXT, 
	schedule TEXT, 
	scheduled_at BIGINT, 
	formats TEXT, 
	recipients TEXT, 
	to_folder BOOLEAN NOT NULL, 
	wait_hours BIGINT, 
	archived BOOLEAN NOT NULL, 
	received_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE chain_answer (
	report TEXT NOT NULL, 
	question TEXT NOT NULL, 
	computed_at BIGINT NOT NULL, 
	data BLOB NOT NULL, 
	PRIMARY KEY (report, question)
)
 WITHOUT ROWID;

INSERT INTO alembic_version (version_num) VALUES ('0033');

