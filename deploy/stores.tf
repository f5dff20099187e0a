# Bucket, queues and table: what `firstlight setup` makes by hand, here with a state and an end.

locals {
  # The sweep removes blobs itself; the bucket's own expiry is for what a crash left. One day more, as in setup.
  blob_days = ceil((var.job_deadline_s + var.keep_s) / 86400) + 1
  message_s = 14 * 86400
}

resource "aws_s3_bucket" "blobs" {
  bucket        = "${var.project}-${local.account}-${local.region}"
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_ownership_controls" "blobs" {
  bucket = aws_s3_bucket.blobs.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "blobs" {
  bucket                  = aws_s3_bucket.blobs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "blobs" {
  bucket = aws_s3_bucket.blobs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# No aws_s3_bucket_versioning: a bucket begins without versions, and a deleted photo must be gone.

resource "aws_s3_bucket_lifecycle_configuration" "blobs" {
  bucket = aws_s3_bucket.blobs.id

  dynamic "rule" {
    for_each = toset(["in", "out"])

    content {
      id     = rule.value
      status = "Enabled"

      filter {
        prefix = "${rule.value}/"
      }

      expiration {
        days = local.blob_days
      }
    }
  }

  rule {
    id     = "unfinished"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_cors_configuration" "blobs" {
  bucket = aws_s3_bucket.blobs.id

  # A page elsewhere that follows /result to a signed link has the origin `null` there, so reading is open to all: the
  # link's signature is the right to read.
  cors_rule {
    allowed_methods = ["GET", "HEAD"]
    allowed_origins = ["*"]
    expose_headers  = ["ETag", "Content-Length", "Content-Disposition"]
  }

  dynamic "cors_rule" {
    for_each = length(local.origins) > 0 ? [local.origins] : []

    content {
      allowed_methods = ["POST"]
      allowed_origins = cors_rule.value
      allowed_headers = ["*"]
    }
  }
}

data "aws_iam_policy_document" "tls_only" {
  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.blobs.arn, "${aws_s3_bucket.blobs.arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "blobs" {
  bucket = aws_s3_bucket.blobs.id
  policy = data.aws_iam_policy_document.tls_only.json

  # S3 refuses two changes of one bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.blobs]
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.project}-dead"
  message_retention_seconds = local.message_s
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "jobs" {
  name                       = var.project
  visibility_timeout_seconds = ceil(var.lease_s)
  message_retention_seconds  = local.message_s
  sqs_managed_sse_enabled    = true

  # A job has three attempts and its row decides; this many receipts mean that nobody could even read the row.
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 20 })
}

resource "aws_dynamodb_table" "rows" {
  name         = var.project
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "row_key"

  dynamic "attribute" {
    for_each = { row_key = "S", due_list = "S", due_ms = "N", listed_in = "S", rank_ms = "N" }

    content {
      name = attribute.key
      type = attribute.value
    }
  }

  global_secondary_index {
    name            = "due"
    hash_key        = "due_list"
    range_key       = "due_ms"
    projection_type = "KEYS_ONLY"
  }

  global_secondary_index {
    name            = "listed"
    hash_key        = "listed_in"
    range_key       = "rank_ms"
    projection_type = "KEYS_ONLY"
  }

  ttl {
    attribute_name = "expires_s"
    enabled        = true
  }
}
