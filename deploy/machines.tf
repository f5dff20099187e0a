# A launch template for each flavour. CreateFleet adds what differs between launches: type, subnet, market and tags.

# The newest that `make bake` has made of each flavour that no variable names.
data "aws_ami_ids" "baked" {
  for_each = toset([for each in var.flavours : each if !contains(keys(var.images), each)])
  owners   = ["self"]

  filter {
    name   = "tag:firstlight-project"
    values = [var.project]
  }

  filter {
    name   = "tag:firstlight-flavour"
    values = [each.value]
  }

  lifecycle {
    postcondition {
      condition     = length(self.ids) > 0
      error_message = "There is no ${each.value} image of ${var.project} in this region: run `make bake`, name one in the variable images, or leave ${each.value} out of flavours."
    }
  }
}

data "aws_ami" "machine" {
  for_each = toset(var.flavours)

  filter {
    name   = "image-id"
    values = [contains(keys(var.images), each.value) ? var.images[each.value] : data.aws_ami_ids.baked[each.value].ids[0]]
  }
}

resource "aws_launch_template" "worker" {
  for_each               = toset(var.flavours)
  name                   = "${var.project}-${each.value}"
  description            = "A worker's machine (${each.value})"
  image_id               = data.aws_ami.machine[each.value].id
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
    device_name = data.aws_ami.machine[each.value].root_device_name

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
