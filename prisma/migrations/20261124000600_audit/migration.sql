-- Who did what. What is written here is never changed or removed, by whatever statement.
-- CreateEnum
CREATE TYPE "AuditOutcome" AS ENUM ('done', 'refused');

-- CreateTable
CREATE TABLE "audit_entries" (
    "id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "outcome" "AuditOutcome" NOT NULL,
    "count" INTEGER NOT NULL DEFAULT 1,
    "actor_id" UUID,
    "actor_name" TEXT,
    "operation" TEXT NOT NULL,
    "method" TEXT,
    "path" TEXT,
    "resource_kind" TEXT,
    "resource_id" TEXT,
    "article_id" UUID,
    "status" INTEGER,
    "address" TEXT,
    "user_agent" TEXT,
    "request_id" TEXT,

    CONSTRAINT "audit_entries_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "audit_entries_at_id_idx" ON "audit_entries"("at", "id");

-- CreateIndex
CREATE INDEX "audit_entries_actor_id_at_id_idx" ON "audit_entries"("actor_id", "at", "id");

-- CreateIndex
CREATE INDEX "audit_entries_actor_name_at_id_idx" ON "audit_entries"("actor_name", "at", "id");

-- CreateIndex
CREATE INDEX "audit_entries_operation_at_id_idx" ON "audit_entries"("operation", "at", "id");

-- CreateIndex
CREATE INDEX "audit_entries_article_id_at_id_idx" ON "audit_entries"("article_id", "at", "id");

ALTER TABLE "audit_entries" ADD CONSTRAINT "audit_entries_check" CHECK ("count" > 0);

CREATE FUNCTION "refuse_audit_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is only added to; % is refused', TG_OP
    USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER "audit_entries_append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "audit_entries"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_audit_change"();
-- A session that replays replication, as pg_restore may, would otherwise pass by it.
ALTER TABLE "audit_entries" ENABLE ALWAYS TRIGGER "audit_entries_append_only";
