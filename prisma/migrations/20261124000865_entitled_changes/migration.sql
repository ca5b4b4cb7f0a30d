-- DropIndex
DROP INDEX "webhook_deliveries_webhook_id_sequence_key";

-- AlterTable
ALTER TABLE "webhooks" ADD COLUMN     "former_entitlements" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "walk_after" UUID;

-- AlterTable
ALTER TABLE "webhook_deliveries" ADD COLUMN     "standing" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "key_passages" ADD COLUMN     "mark" TEXT;

-- CreateIndex
CREATE UNIQUE INDEX "webhook_deliveries_webhook_id_sequence_article_id_standing_key" ON "webhook_deliveries"("webhook_id", "sequence", "article_id", "standing");



-- What Prisma's schema language cannot say.

-- What waits behind an earlier message of its article.
DROP INDEX "webhook_deliveries_waiting_idx";
CREATE INDEX "webhook_deliveries_waiting_idx" ON "webhook_deliveries"("webhook_id", "article_id", "sequence", "standing") WHERE "state" = 'pending';

-- Those who are entitled to a part hear of articles whose links they may see now, or no more.
ALTER TABLE "changes" DROP CONSTRAINT "changes_kind_check";
ALTER TABLE "changes" ADD CONSTRAINT "changes_kind_check" CHECK ("kind" IN ('published', 'updated', 'corrected', 'unpublished', 'deleted', 'moved', 'withdrawn', 'relinked'));
