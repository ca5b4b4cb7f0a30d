-- CreateEnum
CREATE TYPE "Way" AS ENUM ('feed', 'stream');

-- CreateTable
CREATE TABLE "key_usage" (
    "key_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "requests" BIGINT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "articles" BIGINT NOT NULL,

    CONSTRAINT "key_usage_pkey" PRIMARY KEY ("key_id","day")
);

-- CreateTable
CREATE TABLE "key_cursors" (
    "key_id" UUID NOT NULL,
    "sequence" BIGINT NOT NULL,
    "after" UUID,
    "used_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "key_cursors_pkey" PRIMARY KEY ("key_id")
);

-- CreateTable
CREATE TABLE "key_passages" (
    "id" BIGSERIAL NOT NULL,
    "key_id" UUID NOT NULL,
    "way" "Way" NOT NULL,
    "from_sequence" BIGINT NOT NULL,
    "from_after" UUID,
    "to_sequence" BIGINT NOT NULL,
    "to_after" UUID,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "confirmed_at" TIMESTAMPTZ(3),

    CONSTRAINT "key_passages_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "key_passages_key_id_to_sequence_from_sequence_idx" ON "key_passages"("key_id", "to_sequence", "from_sequence");



-- What Prisma's schema language cannot say.

-- What a key has been given and not come back for: a few of each key.
CREATE INDEX "key_passages_unconfirmed_idx" ON "key_passages"("key_id") WHERE "confirmed_at" IS NULL;
