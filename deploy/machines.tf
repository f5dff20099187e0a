# A launch template for each flavour. CreateFleet adds what differs between launches: type, subnet, market and tags.

data "aws_ami" "baked" {
  for_each    = toset(var.flavours)
  owners      = ["self"]
  most_recent = true

  dynamic "filter" {
    for_each = (
      contains(keys(var.images), each.value)
      ? { image-id = var.images[each.value] }
      : { "tag:firstlight-flavour" = each.value, "tag:firstlight-project" = var.project }
    )

    content {
      name   = filter.key
      values = [filter.value]
    }
  }
}

resource "aws_launch_template" "worker" {
  for_each               = toset(var.flavours)
  name                   = "${var.project}-${each.value}"
  description            = "A worker's machine (${each.value})"
  image_id               = data.aws_ami.baked[each.value].id
  update_default_version = true # CreateFleet asks for $Default

  # The host powers off when its worker ends, and that ends the machine.
  instance_initiated_shutdown_behavior = "terminate"
  vpc_security_group_ids               = [aws_security_group.worker.id]
  user_data                            = base64encode(local.lines)

  iam_instance_profile {
    arn = aws_iam_instance_profile.worker.arn
  }

  # One hop: the worker shares its machine's network, so no container of anybody else's reads its credentials.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "enabled"
  }

  block_device_mappings {
    device_name = data.aws_ami.baked[each.value].root_device_name

    ebs {
      volume_type           = "gp3"
      throughput            = var.volume_throughput
      encrypted             = true
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])

    content {
      resource_type = tag_specifications.value
      tags          = { Project = var.project }
    }
  }
}
