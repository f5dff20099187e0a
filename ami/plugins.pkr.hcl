# In a file of its own: Packer 1.7 and later wants it, Debian's 1.6.6 does not know it.
packer {
  required_version = ">= 1.7.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "~> 1.3"
    }
  }
}
