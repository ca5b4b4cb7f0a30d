-- Webhooks belong to keys. Those that are there already stay on whatever becomes of keys: they are nobody's.
-- AlterTable
ALTER TABLE "webhooks" ADD COLUMN     "key_id" UUID;

-- CreateIndex
CREATE INDEX "webhooks_key_id_idx" ON "webhooks"("key_id");

-- AddForeignKey
ALTER TABLE "webhooks" ADD CONSTRAINT "webhooks_key_id_fkey" FOREIGN KEY ("key_id") REFERENCES "keys"("id") ON DELETE SET NULL ON UPDATE CASCADE;

