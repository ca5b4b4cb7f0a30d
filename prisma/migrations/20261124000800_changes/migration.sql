-- AlterTable
ALTER TABLE "installation" ADD COLUMN     "changes_pruned_to" BIGINT NOT NULL DEFAULT 0;

-- CreateIndex
CREATE INDEX "changes_recorded_at_idx" ON "changes"("recorded_at");
