-- CreateTable
CREATE TABLE "hubs" (
    "url" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,

    CONSTRAINT "hubs_pkey" PRIMARY KEY ("url")
);
