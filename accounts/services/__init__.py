"""What the app does, one flow a file: values in, values out, never a request. Views, tasks, commands and the admin call these."""
