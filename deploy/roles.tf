# Who may do what. Each role may do the calls that its code makes, and no other; tests/deploy holds both halves of that.

locals {
  ec2      = "arn:${local.partition}:ec2:${local.region}"
  mine     = "${local.ec2}:${local.account}"
  blobs    = [for each in ["in", "out"] : "${aws_s3_bucket.blobs.arn}/${each}/*"]
  images   = [for each in data.aws_ami.machine : "${local.ec2}::image/${each.id}"]
  launched = ["${local.mine}:instance/*", "${local.mine}:volume/*"]
}

data "aws_iam_policy_document" "ec2_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

# The API and its tick, wherever they run.

data "aws_iam_policy_document" "api_trust" {
  source_policy_documents = [data.aws_iam_policy_document.ec2_trust.json]

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type = "AWS"
      identifiers = (
        length(var.api_principals) > 0 ? var.api_principals : ["arn:${local.partition}:iam::${local.account}:root"]
      )
    }
  }
}

data "aws_iam_policy_document" "api" {
  # Without the right to list, S3 answers 403 and not 404 for a photo that is gone.
  statement {
    sid       = "ListPhotos"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.blobs.arn]
  }

  statement {
    sid       = "Photos"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = local.blobs
  }

  statement {
    sid       = "Queue"
    actions   = ["sqs:SendMessage", "sqs:GetQueueAttributes"]
    resources = [aws_sqs_queue.jobs.arn]
  }

  # The bridge beside the tick is a worker with this role; its photos and rows are covered above and below.
  dynamic "statement" {
    for_each = local.bridge ? ["Bridge"] : []

    content {
      sid       = statement.value
      actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
      resources = [aws_sqs_queue.jobs.arn]
    }
  }

  statement {
    sid       = "Rows"
    actions   = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
    resources = [aws_dynamodb_table.rows.arn]
  }

  statement {
    sid       = "Lists"
    actions   = ["dynamodb:Query"]
    resources = ["${aws_dynamodb_table.rows.arn}/index/*"]
  }

  # EC2 knows no narrower resource for these two.
  statement {
    sid       = "Look"
    actions   = ["ec2:DescribeInstances", "ec2:DescribeSubnets"]
    resources = ["*"]
  }

  # A launch names each of these; whoever holds this role can start our images only, in our network, with our role.
  statement {
    sid     = "LaunchFrom"
    actions = ["ec2:CreateFleet", "ec2:RunInstances"]
    resources = concat(
      [for each in aws_launch_template.worker : each.arn],
      local.images,
      [for each in local.subnets : "${local.mine}:subnet/${each}"],
      ["${local.mine}:security-group/${aws_security_group.worker.id}", "${local.ec2}::snapshot/*"],
    )
  }

  statement {
    sid       = "LaunchFleet"
    actions   = ["ec2:CreateFleet"]
    resources = concat(["${local.mine}:fleet/*"], local.launched)
  }

  # None dearer than the dearest of ours (fleet/instance_types.py), whoever has stolen the role.
  statement {
    sid       = "LaunchTagged"
    actions   = ["ec2:RunInstances"]
    resources = local.launched

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/firstlight-project"
      values   = [var.project]
    }

    condition {
      test     = "StringLikeIfExists"
      variable = "ec2:InstanceType"
      values   = ["g?*.xlarge", "g?*.2xlarge", "g?*.4xlarge", "c?*.xlarge", "c?*.2xlarge", "m?*.xlarge"]
    }
  }

  statement {
    sid       = "LaunchParts"
    actions   = ["ec2:CreateFleet", "ec2:RunInstances"]
    resources = ["${local.mine}:network-interface/*", "${local.mine}:spot-instances-request/*"]
  }

  statement {
    sid       = "Tag"
    actions   = ["ec2:CreateTags"]
    resources = concat(local.launched, ["${local.mine}:network-interface/*"])

    condition {
      test     = "StringEquals"
      variable = "ec2:CreateAction"
      values   = ["CreateFleet", "RunInstances"]
    }
  }

  statement {
    sid       = "End"
    actions   = ["ec2:TerminateInstances"]
    resources = ["${local.mine}:instance/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/firstlight-project"
      values   = [var.project]
    }
  }

  statement {
    sid       = "HandOverTheWorkersRole"
    actions   = ["iam:PassRole"]
    resources = [aws_iam_role.worker.arn]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ec2.amazonaws.com"]
    }
  }

  # An account's first spot machine makes EC2 create its own role for spot.
  statement {
    sid       = "FirstSpotMachine"
    actions   = ["iam:CreateServiceLinkedRole"]
    resources = ["arn:${local.partition}:iam::${local.account}:role/aws-service-role/spot.amazonaws.com/*"]

    condition {
      test     = "StringEquals"
      variable = "iam:AWSServiceName"
      values   = ["spot.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "api" {
  name               = "${var.project}-api-${local.region}"
  description        = "Firstlight's API and tick"
  assume_role_policy = data.aws_iam_policy_document.api_trust.json
}

resource "aws_iam_role_policy" "api" {
  name   = "firstlight-api"
  role   = aws_iam_role.api.id
  policy = data.aws_iam_policy_document.api.json
}

# A worker: it decodes strangers' photos, so it may do least. Nothing of EC2, and no row that counts money or machines.
# It may not list photos: names that nobody can guess keep whoever has stolen its keys from all but those in line. It may
# ask whether the photo of one whole name is there, since S3 denies what is gone to whoever may not list.

data "aws_iam_policy_document" "worker" {
  statement {
    sid       = "ReadPhotos"
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.blobs.arn}/in/*"]
  }

  statement {
    sid       = "LookForOne"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.blobs.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["in/????????-????-????-????-????????????"] # each `?` is one character of an id
    }
  }

  # It removes what it wrote for a photo that was deleted meanwhile. Whoever has its keys could as well write over it.
  statement {
    sid       = "StoreResults"
    actions   = ["s3:PutObject", "s3:DeleteObject"]
    resources = ["${aws_s3_bucket.blobs.arn}/out/*"]
  }

  statement {
    sid       = "Queue"
    actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"]
    resources = [aws_sqs_queue.jobs.arn]
  }

  dynamic "statement" {
    for_each = {
      ReadRows  = { actions = ["dynamodb:GetItem"], keys = ["job/*", "worker/*", "start/*", "usual/*", "slot/*", "patience"] }
      WriteRows = { actions = ["dynamodb:UpdateItem"], keys = ["job/*", "worker/*", "start/*", "usual/*"] }
    }

    content {
      sid       = statement.key
      actions   = statement.value.actions
      resources = [aws_dynamodb_table.rows.arn]

      condition {
        test     = "ForAllValues:StringLike"
        variable = "dynamodb:LeadingKeys"
        values   = statement.value.keys
      }
    }
  }
}

resource "aws_iam_role" "worker" {
  name               = "${var.project}-worker-${local.region}"
  description        = "Firstlight's workers"
  assume_role_policy = data.aws_iam_policy_document.ec2_trust.json
}

resource "aws_iam_role_policy" "worker" {
  name   = "firstlight-worker"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.worker.json
}

resource "aws_iam_instance_profile" "worker" {
  name = aws_iam_role.worker.name
  role = aws_iam_role.worker.name
}

# Who looks after it: `firstlight doctor`, `machines` and `jobs`, and the commands that the doctor names as a cure.
# Attach it to people; nothing of ours carries it.

data "aws_iam_policy_document" "operator" {
  source_policy_documents = [data.aws_iam_policy_document.api.json]

  statement {
    sid = "Examine"
    actions = [
      "ec2:DescribeImages",
      "ec2:DescribeLaunchTemplateVersions",
      "ec2:DescribeVolumes",
      "servicequotas:GetServiceQuota",
      "servicequotas:RequestServiceQuotaIncrease",
    ]
    resources = ["*"]
  }

  statement {
    sid       = "Cure"
    actions   = ["ec2:GetConsoleOutput", "ec2:DeleteVolume"]
    resources = local.launched

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/firstlight-project"
      values   = [var.project]
    }
  }

  statement {
    sid = "ExamineStores"
    actions = [
      "s3:GetBucketPublicAccessBlock",
      "s3:GetLifecycleConfiguration",
      "dynamodb:DescribeTable",
      "dynamodb:DescribeTimeToLive",
    ]
    resources = [aws_s3_bucket.blobs.arn, aws_dynamodb_table.rows.arn]
  }

  statement {
    sid = "DeadLetters"
    actions = [
      "sqs:GetQueueAttributes",
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:ChangeMessageVisibility",
    ]
    resources = [aws_sqs_queue.dead.arn]
  }
}

resource "aws_iam_policy" "operator" {
  name        = "${var.project}-operator-${local.region}"
  description = "Looking after Firstlight: doctor, machines, jobs"
  policy      = data.aws_iam_policy_document.operator.json
}
