-- CreateEnum
CREATE TYPE "EntitledContent" AS ENUM ('full', 'summary');

-- AlterTable
ALTER TABLE "keys" ADD COLUMN     "entitlement_revision" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "entitlements" (
    "key_id" UUID NOT NULL,
    "languages" TEXT[],
    "embargoed" BOOLEAN NOT NULL,
    "content" "EntitledContent" NOT NULL,
    "formats" TEXT[],
    "requests_per_minute" INTEGER,
    "from" TIMESTAMPTZ(3),
    "until" TIMESTAMPTZ(3),

    CONSTRAINT "entitlements_pkey" PRIMARY KEY ("key_id")
);

-- CreateTable
CREATE TABLE "entitlement_sections" (
    "key_id" UUID NOT NULL,
    "section_id" UUID NOT NULL,

    CONSTRAINT "entitlement_sections_pkey" PRIMARY KEY ("key_id","section_id")
);

-- CreateTable
CREATE TABLE "entitlement_tags" (
    "key_id" UUID NOT NULL,
    "tag_id" UUID NOT NULL,

    CONSTRAINT "entitlement_tags_pkey" PRIMARY KEY ("key_id","tag_id")
);

-- CreateIndex
CREATE INDEX "entitlement_sections_section_id_idx" ON "entitlement_sections"("section_id");

-- CreateIndex
CREATE INDEX "entitlement_tags_tag_id_idx" ON "entitlement_tags"("tag_id");

-- AddForeignKey
ALTER TABLE "entitlements" ADD CONSTRAINT "entitlements_key_id_fkey" FOREIGN KEY ("key_id") REFERENCES "keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "entitlement_sections" ADD CONSTRAINT "entitlement_sections_key_id_fkey" FOREIGN KEY ("key_id") REFERENCES "entitlements"("key_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "entitlement_sections" ADD CONSTRAINT "entitlement_sections_section_id_fkey" FOREIGN KEY ("section_id") REFERENCES "sections"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "entitlement_tags" ADD CONSTRAINT "entitlement_tags_key_id_fkey" FOREIGN KEY ("key_id") REFERENCES "entitlements"("key_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "entitlement_tags" ADD CONSTRAINT "entitlement_tags_tag_id_fkey" FOREIGN KEY ("tag_id") REFERENCES "tags"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What Prisma's schema language cannot say.

ALTER TABLE "entitlements" ADD CONSTRAINT "entitlements_check" CHECK ("requests_per_minute" > 0 AND "from" < "until");
