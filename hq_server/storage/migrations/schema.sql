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

CREATE TABLE chain (
	id INTEGER NOT NULL, 
	chain_id BLOB NOT NULL, 
	name TEXT NOT NULL, 
	currency TEXT NOT NULL, 
	timezone TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	hlc BIGINT NOT NULL, 
	fleet_revision BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT chain_is_one CHECK (id = 1)
);

CREATE TABLE branch (
	id BLOB NOT NULL, 
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	timezone TEXT NOT NULL, 
	price_zone TEXT NOT NULL, 
	mode TEXT NOT NULL, 
	when_unreachable TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (code)
)
 WITHOUT ROWID;

CREATE TABLE branch_cursor (
	branch_id BLOB NOT NULL, 
	incarnation BLOB NOT NULL, 
	acknowledged_seq BIGINT NOT NULL, 
	acknowledged_hash BLOB NOT NULL, 
	entries BIGINT NOT NULL, 
	fence BIGINT NOT NULL, 
	feed_epoch BLOB NOT NULL, 
	feed_position BIGINT NOT NULL, 
	feed_hash BLOB NOT NULL, 
	head_seq BIGINT NOT NULL, 
	watermark BIGINT, 
	last_seen_at BIGINT, 
	skew_ms BIGINT, 
	release TEXT, 
	boot_id BLOB, 
	instance_id BLOB, 
	connected BOOLEAN NOT NULL, 
	left_even BOOLEAN NOT NULL, 
	trouble TEXT, confirmed_fence BIGINT DEFAULT '0' NOT NULL, quarantine TEXT, is_replacing BOOLEAN DEFAULT '0' NOT NULL, feed_folded_to BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (branch_id)
)
 WITHOUT ROWID;

CREATE TABLE incarnation (
	branch_id BLOB NOT NULL, 
	id BLOB NOT NULL, 
	parent_id BLOB, 
	parent_seq BIGINT NOT NULL, 
	parent_hash BLOB, 
	first_seen_at BIGINT NOT NULL, life BIGINT DEFAULT '1' NOT NULL, state SMALLINT DEFAULT '0' NOT NULL, confirmed_fence BIGINT DEFAULT '0' NOT NULL, issued_fence BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (branch_id, id)
)
 WITHOUT ROWID;

CREATE TABLE enrolment_token (
	secret_hash BLOB NOT NULL, 
	branch_id BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	used_at BIGINT, 
	public_key_hash BLOB, 
	certificate BLOB, 
	PRIMARY KEY (secret_hash)
)
 WITHOUT ROWID;

CREATE TABLE certificate (
	serial TEXT NOT NULL, 
	branch_id BLOB NOT NULL, 
	purpose TEXT NOT NULL, 
	issued_at BIGINT NOT NULL, 
	revoked_at BIGINT, 
	PRIMARY KEY (serial)
)
 WITHOUT ROWID;

CREATE INDEX certificate_by_branch ON certificate (branch_id);

CREATE TABLE journal_entry (
	branch_id BLOB NOT NULL, 
	incarnation BLOB NOT NULL, 
	seq BIGINT NOT NULL, 
	entry_hash BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	status SMALLINT NOT NULL, 
	data BLOB NOT NULL, 
	received_at BIGINT NOT NULL, 
	PRIMARY KEY (branch_id, incarnation, seq)
);

CREATE TABLE command (
	branch_id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	received_at BIGINT NOT NULL, 
	PRIMARY KEY (branch_id, command_id)
)
 WITHOUT ROWID;

CREATE TABLE parked_entry (
	branch_id BLOB NOT NULL, 
	incarnation BLOB NOT NULL, 
	seq BIGINT NOT NULL, 
	command_id BLOB NOT NULL, 
	reason TEXT NOT NULL, 
	evidence TEXT NOT NULL, 
	parked_at BIGINT NOT NULL, 
	resolved_at BIGINT, 
	PRIMARY KEY (branch_id, incarnation, seq)
)
 WITHOUT ROWID;

CREATE TABLE client_audience (
	client_id BLOB NOT NULL, 
	branch_id BLOB NOT NULL, 
	since BIGINT NOT NULL, 
	PRIMARY KEY (client_id, branch_id)
)
 WITHOUT ROWID;

CREATE TABLE client_reference (
	external_id TEXT NOT NULL, 
	branch_id BLOB NOT NULL, 
	received_at BIGINT NOT NULL, 
	PRIMARY KEY (external_id, branch_id)
)
 WITHOUT ROWID;

CREATE TABLE feed_outbox (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	audience TEXT NOT NULL, 
	kind INTEGER NOT NULL, 
	record_id BLOB NOT NULL, 
	data BLOB NOT NULL
);

CREATE TABLE feed (
	position BIGINT NOT NULL, 
	audience TEXT NOT NULL, 
	kind INTEGER NOT NULL, 
	record_id BLOB NOT NULL, 
	data BLOB NOT NULL, 
	running_hash BLOB NOT NULL, 
	numbered_at BIGINT NOT NULL, 
	PRIMARY KEY (position)
);

CREATE INDEX feed_by_audience ON feed (audience, position);

CREATE TABLE feed_head (
	id INTEGER NOT NULL, 
	epoch BLOB NOT NULL, 
	position BIGINT NOT NULL, 
	running_hash BLOB NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT feed_head_is_one CHECK (id = 1)
);

CREATE TABLE sales_by_month (
	branch_id BLOB NOT NULL, 
	month TEXT NOT NULL, 
	receipts BIGINT NOT NULL, 
	units_thousandths BIGINT NOT NULL, 
	gross_minor BIGINT NOT NULL, 
	discounts_minor BIGINT NOT NULL, 
	returns_minor BIGINT NOT NULL, 
	net_minor BIGINT NOT NULL, 
	PRIMARY KEY (branch_id, month)
)
 WITHOUT ROWID;

CREATE TABLE sales_by_day (
	branch_id BLOB NOT NULL, 
	business_date DATE NOT NULL, 
	receipts BIGINT NOT NULL, 
	units_thousandths BIGINT NOT NULL, 
	gross_minor BIGINT NOT NULL, 
	discounts_minor BIGINT NOT NULL, 
	returns_minor BIGINT NOT NULL, 
	net_minor BIGINT NOT NULL, 
	PRIMARY KEY (branch_id, business_date)
)
 WITHOUT ROWID;

CREATE TABLE sales_by_hour (
	branch_id BLOB NOT NULL, 
	business_date DATE NOT NULL, 
	hour SMALLINT NOT NULL, 
	cashier TEXT NOT NULL, 
	receipts BIGINT NOT NULL, 
	units_thousandths BIGINT NOT NULL, 
	gross_minor BIGINT NOT NULL, 
	discounts_minor BIGINT NOT NULL, 
	returns_minor BIGINT NOT NULL, 
	net_minor BIGINT NOT NULL, 
	PRIMARY KEY (branch_id, business_date, hour, cashier)
)
 WITHOUT ROWID;

CREATE TABLE sales_by_category (
	branch_id BLOB NOT NULL, 
	business_date DATE NOT NULL, 
	category TEXT NOT NULL, 
	receipts BIGINT NOT NULL, 
	units_thousandths BIGINT NOT NULL, 
	gross_minor BIGINT NOT NULL, 
	discounts_minor BIGINT NOT NULL, 
	returns_minor BIGINT NOT NULL, 
	net_minor BIGINT NOT NULL, 
	PRIMARY KEY (branch_id, business_date, category)
)
 WITHOUT ROWID;

CREATE TABLE proposal (
	branch_id BLOB NOT NULL, 
	kind INTEGER NOT NULL, 
	card_id BLOB NOT NULL, 
	state BLOB NOT NULL, 
	received_at BIGINT NOT NULL, 
	resolved_at BIGINT, replaced BLOB, taken_up BLOB, reopened_at BIGINT, 
	PRIMARY KEY (branch_id, kind, card_id)
)
 WITHOUT ROWID;

CREATE TABLE record_counter (
	branch_id BLOB NOT NULL, 
	kind INTEGER NOT NULL, 
	business_date DATE NOT NULL, 
	records BIGINT NOT NULL, 
	fingerprint BIGINT NOT NULL, 
	amount_minor BIGINT NOT NULL, 
	PRIMARY KEY (branch_id, kind, business_date)
)
 WITHOUT ROWID;

CREATE TABLE backup (
	id BLOB NOT NULL, 
	taken_at BIGINT NOT NULL, 
	verified_at BIGINT, 
	is_external BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE backup_head (
	backup_id BLOB NOT NULL, 
	branch_id BLOB NOT NULL, 
	incarnation BLOB NOT NULL, 
	seq BIGINT NOT NULL, 
	PRIMARY KEY (backup_id, branch_id, incarnation)
)
 WITHOUT ROWID;

CREATE TABLE feed_latest (
	audience TEXT NOT NULL, 
	kind INTEGER NOT NULL, 
	record_id BLOB NOT NULL, 
	position BIGINT NOT NULL, 
	PRIMARY KEY (record_id, kind, audience)
)
 WITHOUT ROWID;

CREATE TABLE feed_compaction (
	id INTEGER NOT NULL, 
	position BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT feed_compaction_is_one CHECK (id = 1)
);

CREATE INDEX feed_of_settings ON feed (record_id, position) WHERE kind = 104;

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

CREATE TABLE central_commit (
	branch_id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	committed BOOLEAN NOT NULL, 
	decided_at BIGINT NOT NULL, 
	reason TEXT, 
	explanation TEXT, 
	hint TEXT, 
	records_hash BLOB, 
	data BLOB, 
	linked_at BIGINT, 
	PRIMARY KEY (branch_id, command_id)
)
 WITHOUT ROWID;

CREATE INDEX central_commit_unlinked ON central_commit (branch_id, decided_at) WHERE committed AND linked_at IS NULL;

CREATE TABLE budget (
	id BLOB NOT NULL, 
	owner TEXT NOT NULL, 
	amount BIGINT NOT NULL, 
	committed BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (owner)
)
 WITHOUT ROWID;

CREATE TABLE budget_lease (
	branch_id BLOB NOT NULL, 
	lease_id BLOB NOT NULL, 
	budget_id BLOB NOT NULL, 
	incarnation BLOB NOT NULL, 
	amount BIGINT NOT NULL, 
	spent BIGINT NOT NULL, 
	granted_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	returned_at BIGINT, 
	PRIMARY KEY (branch_id, lease_id)
)
 WITHOUT ROWID;

CREATE INDEX budget_lease_by_budget ON budget_lease (budget_id);

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

CREATE TABLE employee_audience (
	employee_id BLOB NOT NULL, 
	branch_id BLOB NOT NULL, 
	since BIGINT NOT NULL, 
	works_here BOOLEAN NOT NULL, 
	PRIMARY KEY (employee_id, branch_id)
)
 WITHOUT ROWID;

CREATE TABLE first_log_in (
	token_hash BLOB NOT NULL, 
	created_at BIGINT NOT NULL, 
	expires_at BIGINT NOT NULL, 
	used_at BIGINT, 
	PRIMARY KEY (token_hash)
)
 WITHOUT ROWID;

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

CREATE TABLE catalog_import (
	id BLOB NOT NULL, 
	imported_at BIGINT NOT NULL, 
	source TEXT NOT NULL, 
	added BIGINT NOT NULL, 
	changed BIGINT NOT NULL, 
	unchanged BIGINT NOT NULL, 
	refused BIGINT NOT NULL, 
	reverted_at BIGINT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE catalog_import_change (
	import_id BLOB NOT NULL, 
	kind INTEGER NOT NULL, 
	card_id BLOB NOT NULL, 
	field TEXT NOT NULL, 
	created BOOLEAN NOT NULL, 
	label TEXT NOT NULL, 
	old_value TEXT NOT NULL, 
	new_value TEXT NOT NULL, 
	PRIMARY KEY (import_id, kind, card_id, field)
)
 WITHOUT ROWID;

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

CREATE TABLE catalog_upload (
	id BLOB NOT NULL, 
	uploaded_at BIGINT NOT NULL, 
	author BLOB NOT NULL, 
	source TEXT NOT NULL, 
	content BLOB NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

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

CREATE TABLE loyalty_program_change (
	id BLOB NOT NULL, 
	changed_at BIGINT NOT NULL, 
	author TEXT NOT NULL, 
	code TEXT NOT NULL, 
	name TEXT NOT NULL, 
	rules TEXT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX loyalty_program_change_by_time ON loyalty_program_change (changed_at);

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

CREATE INDEX task_by_client_done ON task (client_id, done_at);

CREATE TABLE client_key (
	"key" TEXT NOT NULL, 
	client_id BLOB NOT NULL, 
	shared_key TEXT, 
	PRIMARY KEY ("key", client_id)
)
 WITHOUT ROWID;

CREATE INDEX client_key_by_client ON client_key (client_id);

CREATE INDEX client_key_shared ON client_key (shared_key) WHERE shared_key IS NOT NULL;

CREATE TABLE hand_over (
	id BLOB NOT NULL, 
	from_employee_id BLOB NOT NULL, 
	to_employee_id BLOB NOT NULL, 
	author BLOB NOT NULL, 
	reason TEXT NOT NULL, 
	began_at BIGINT NOT NULL, 
	ended_at BIGINT, 
	is_undone BOOLEAN NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX hand_over_by_predecessor ON hand_over (from_employee_id);

CREATE TABLE hand_over_card (
	hand_over_id BLOB NOT NULL, 
	kind INTEGER NOT NULL, 
	card_id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	is_late BOOLEAN NOT NULL, 
	PRIMARY KEY (hand_over_id, kind, card_id)
)
 WITHOUT ROWID;

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

CREATE TABLE mail_attempt (
	letter_id BLOB NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt_at BIGINT NOT NULL, 
	PRIMARY KEY (letter_id)
)
 WITHOUT ROWID;

CREATE TABLE mail_restore (
	restored_at BIGINT NOT NULL, 
	PRIMARY KEY (restored_at)
)
 WITHOUT ROWID;

CREATE TABLE mail_position (
	account TEXT NOT NULL, 
	uid_validity BIGINT NOT NULL, 
	last_uid BIGINT NOT NULL, 
	read_at BIGINT NOT NULL, 
	PRIMARY KEY (account)
)
 WITHOUT ROWID;

CREATE TABLE unmatched_letter (
	id BLOB NOT NULL, 
	received_at BIGINT NOT NULL, 
	message_id TEXT NOT NULL, 
	address TEXT NOT NULL, 
	name TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	files TEXT NOT NULL, 
	is_automatic BOOLEAN NOT NULL, 
	state TEXT NOT NULL, 
	decided_at BIGINT, 
	decided_by BLOB, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX unmatched_letter_by_state ON unmatched_letter (state, received_at);

CREATE TABLE file_chunk (
	sha256 BLOB NOT NULL, 
	data BLOB NOT NULL, 
	stored_at BIGINT NOT NULL, 
	PRIMARY KEY (sha256)
);

CREATE TABLE fleet_sample (
	branch_id BLOB NOT NULL, 
	sampled_at BIGINT NOT NULL, 
	connected BOOLEAN NOT NULL, 
	waiting BIGINT NOT NULL, 
	watermark BIGINT, 
	skew_ms BIGINT, 
	parked BIGINT NOT NULL, 
	feed_lag BIGINT NOT NULL, 
	is_hourly BOOLEAN NOT NULL, 
	PRIMARY KEY (branch_id, sampled_at)
)
 WITHOUT ROWID;

CREATE TABLE fleet_verification (
	id BLOB NOT NULL, 
	branch_id BLOB NOT NULL, 
	kind TEXT NOT NULL, 
	state TEXT NOT NULL, 
	asked_at BIGINT NOT NULL, 
	asked_by TEXT NOT NULL, 
	begun_at BIGINT, 
	finished_at BIGINT, 
	entries BIGINT, 
	head_seq BIGINT, 
	sentences TEXT NOT NULL, 
	found BIGINT NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE fleet_shift_audit (
	branch_id BLOB NOT NULL, 
	audited_at BIGINT NOT NULL, 
	entries BIGINT NOT NULL, 
	reports BIGINT NOT NULL, 
	differing BIGINT NOT NULL, 
	PRIMARY KEY (branch_id)
)
 WITHOUT ROWID;

CREATE TABLE fleet_alert_rule (
	kind TEXT NOT NULL, 
	is_on BOOLEAN NOT NULL, 
	threshold BIGINT NOT NULL, 
	PRIMARY KEY (kind)
)
 WITHOUT ROWID;

CREATE TABLE fleet_alert_setting (
	id INTEGER NOT NULL, 
	recipients TEXT NOT NULL, 
	webhook_url TEXT NOT NULL, 
	language TEXT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	changed_by TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT fleet_alert_setting_is_one CHECK (id = 1)
);

CREATE TABLE fleet_alert (
	id BLOB NOT NULL, 
	branch_id BLOB NOT NULL, 
	kind TEXT NOT NULL, 
	figure BIGINT NOT NULL, 
	raised_at BIGINT NOT NULL, 
	lasts_since BIGINT NOT NULL, 
	calm_since BIGINT, 
	cleared_at BIGINT, 
	told_at BIGINT, 
	is_told BOOLEAN NOT NULL, 
	delivered_at BIGINT, 
	error TEXT, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE fleet_message (
	id BLOB NOT NULL, 
	channel TEXT NOT NULL, 
	target TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	body TEXT NOT NULL, 
	alerts TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt_at BIGINT, 
	delivered_at BIGINT, 
	words TEXT NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE fleet_act (
	id BLOB NOT NULL, 
	branch_id BLOB NOT NULL, 
	done_at BIGINT NOT NULL, 
	author TEXT NOT NULL, 
	act TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX fleet_sample_by_time ON fleet_sample (is_hourly, sampled_at);

CREATE INDEX fleet_verification_by_branch ON fleet_verification (branch_id, asked_at);

CREATE INDEX fleet_verification_by_state ON fleet_verification (state, asked_at);

CREATE INDEX fleet_alert_by_branch ON fleet_alert (branch_id, raised_at);

CREATE INDEX fleet_alert_by_time ON fleet_alert (cleared_at);

CREATE INDEX fleet_message_by_turn ON fleet_message (next_attempt_at);

CREATE INDEX fleet_act_by_branch ON fleet_act (branch_id, done_at);

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

CREATE TABLE report_run (
	template_id BLOB NOT NULL, 
	due_at BIGINT NOT NULL, 
	state TEXT NOT NULL, 
	by_hand BOOLEAN NOT NULL, 
	late BOOLEAN NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt_at BIGINT NOT NULL, 
	holder BLOB, 
	leased_until BIGINT, 
	finished_at BIGINT, 
	reason TEXT NOT NULL, 
	completeness TEXT NOT NULL, 
	PRIMARY KEY (template_id, due_at)
)
 WITHOUT ROWID;

CREATE INDEX report_run_by_state ON report_run (state, next_attempt_at);

CREATE TABLE report_delivery (
	template_id BLOB NOT NULL, 
	due_at BIGINT NOT NULL, 
	target TEXT NOT NULL, 
	state TEXT NOT NULL, 
	words TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (template_id, due_at, target)
)
 WITHOUT ROWID;

CREATE TABLE kept_report (
	fingerprint TEXT NOT NULL, 
	report TEXT NOT NULL, 
	parameters TEXT NOT NULL, 
	state TEXT NOT NULL, 
	asked_at BIGINT NOT NULL, 
	attempts INTEGER NOT NULL, 
	done_basis_points INTEGER NOT NULL, 
	reason TEXT, 
	answer BLOB, 
	answer_bytes INTEGER NOT NULL, 
	data_version TEXT, 
	computed_at BIGINT, 
	PRIMARY KEY (fingerprint)
)
 WITHOUT ROWID;

CREATE INDEX kept_report_by_state ON kept_report (state, asked_at);

CREATE TABLE audit_verdict (
	id BLOB NOT NULL, 
	command_id BLOB NOT NULL, 
	subject_kind TEXT NOT NULL, 
	branch_id BLOB NOT NULL, 
	record_id BLOB NOT NULL, 
	detail TEXT NOT NULL, 
	verdict TEXT NOT NULL, 
	note TEXT NOT NULL, 
	author BLOB NOT NULL, 
	given_at BIGINT NOT NULL, 
	taken_back_at BIGINT, 
	taken_back_by BLOB, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE INDEX audit_verdict_by_subject ON audit_verdict (subject_kind, branch_id, record_id, detail);

CREATE INDEX audit_verdict_by_command ON audit_verdict (command_id);

CREATE INDEX audit_entry_by_day ON audit_entry (business_date);

CREATE INDEX refund_by_day ON refund (business_date);

CREATE INDEX conflict_open ON "conflict" (detected_at) WHERE closed_at IS NULL;

CREATE INDEX parked_entry_open ON parked_entry (branch_id) WHERE resolved_at IS NULL;

CREATE INDEX proposal_open ON proposal (received_at) WHERE resolved_at IS NULL;

CREATE TABLE chain_answer_run (
	question TEXT NOT NULL, 
	night DATE NOT NULL, 
	computed_at BIGINT NOT NULL, 
	branches INTEGER NOT NULL, 
	reason TEXT, 
	PRIMARY KEY (question)
)
 WITHOUT ROWID;

CREATE INDEX journal_entry_by_command ON journal_entry (command_id);

INSERT INTO alembic_version (version_num) VALUES ('0035');

